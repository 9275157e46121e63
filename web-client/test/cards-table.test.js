import assert from 'node:assert/strict';
import test from 'node:test';
import { Table, nameOf } from '../cards/table.js';

const ROUND = { turn: 2, due_ms: 1_764_000_020_000, top: '10H', suit: 'H', stock: 37, pile: 1 };
const PLAYERS = [{ seat: 1, cards: 7, score: 0, ready: false }, { seat: 2, score: 52, ready: true }];

test('the table is taken from `joined`, and a patch leaves the hand', () => {
  const table = new Table();
  table.take({ round: 1, turn_ms: 5_000, table: ROUND, players: PLAYERS, hand: { cards: ['8D'], drew: true } });
  table.take({ round: 1, turn_ms: 5_000, table: { ...ROUND, turn: 1 }, players: PLAYERS });
  assert.deepEqual(table.hand, { cards: ['8D'], drew: true });
  assert.equal(table.round?.turn, 1);
  assert.equal(table.turn_ms, 5_000);
  assert.deepEqual(table.places.map(({ cards }) => cards), [7, null]);
});

test('a round that is over leaves no cards', () => {
  const table = new Table();
  table.take({ table: ROUND, players: PLAYERS, hand: { cards: ['8D'], drew: false } });
  table.take({ table: null, players: PLAYERS });
  assert.equal(table.round, null);
  assert.deepEqual(table.hand.cards, []);
  assert.equal(table.fits('8D'), false);
});

test('a card fits by suit, by rank, or as an eight', () => {
  const table = new Table();
  table.take({ table: { ...ROUND, suit: 'S' }, players: PLAYERS });
  for (const [card, fits] of /** @type {[string, boolean][]} */ ([['10C', true], ['2S', true], ['8D', true], ['2H', false], ['KC', false]])) {
    assert.equal(table.fits(card), fits, card);
  }
});

test('what is no state changes nothing', () => {
  const table = new Table();
  for (const state of [null, 5, 'x', []]) table.take(state);
  assert.deepEqual(table.places, []);
});

test('cards have names to be read aloud', () => {
  assert.equal(nameOf('10S'), '10 of spades');
  assert.equal(nameOf('QD'), 'queen of diamonds');
});
