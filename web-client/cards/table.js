import { isObject } from '../sdk/shape.js';

/**
 * What a player sees of the table, read from what the server says. Pure.
 *
 * @typedef {'C' | 'D' | 'H' | 'S'} Suit
 * @typedef {{turn: number, due_ms: number, top: string, suit: Suit, stock: number}} Round
 * @typedef {{seat: number, cards: number | null, score: number, ready: boolean}} Place
 * @typedef {{cards: string[], drew: boolean}} Hand
 */

/** @type {Record<Suit, {sign: string, name: string}>} */
export const SUITS = {
  C: { sign: '♣\uFE0E', name: 'clubs' },
  D: { sign: '♦\uFE0E', name: 'diamonds' },
  H: { sign: '♥\uFE0E', name: 'hearts' },
  S: { sign: '♠\uFE0E', name: 'spades' },
};

/** @type {Record<string, string>} */
const RANK_NAMES = { A: 'ace', J: 'jack', Q: 'queen', K: 'king' };

/** @param {string} card @returns {Suit} */
export const suitOf = (card) => /** @type {Suit} */ (card.slice(-1));

/** @param {string} card */
export const rankOf = (card) => card.slice(0, -1);

/** @param {string} card */
export const nameOf = (card) => `${RANK_NAMES[rankOf(card)] ?? rankOf(card)} of ${SUITS[suitOf(card)].name}`;

export class Table {
  turn_ms = 20_000;
  /** @type {Round | null} */
  round = null;
  /** @type {Place[]} */
  places = [];
  /** @type {Hand} */
  hand = { cards: [], drew: false };

  /**
   * The state of `joined`, or a patch, which lacks the hand.
   *
   * @param {any} state
   */
  take(state) {
    if (!isObject(state)) return;
    this.round = isObject(state.table) ? /** @type {any} */ (state.table) : null;
    this.places = Array.isArray(state.players) ? state.players.map((place) => ({ ...place, cards: place.cards ?? null })) : [];
    if (typeof state.turn_ms === 'number') this.turn_ms = state.turn_ms;
    if (isObject(state.hand)) this.hand = /** @type {any} */ (state.hand);
    if (!this.round) this.hand = { cards: [], drew: false };
  }

  /** @param {string} card whether it may be put down, if it is one's turn */
  fits(card) {
    const { round } = this;
    return round !== null && (rankOf(card) === '8' || suitOf(card) === round.suit || rankOf(card) === rankOf(round.top));
  }
}
