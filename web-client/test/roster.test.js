import assert from 'node:assert/strict';
import test from 'node:test';
import { roster } from '../meadow/roster.js';
import { World } from '../meadow/world.js';

const world = new World();
const players = [1, 2, 3, 4].map((seat) => ({ seat, name: `n${seat}`, me: null, away: seat === 2 }));
const baskets = [0, 9, 0, 5];
const animals = baskets.map((basket, index) => ({ id: index, is: 'animal', seat: index + 1, x: 1, y: 1, basket }));
world.enter({ seat: 3, players, state: { world: { tick: 1, world: animals } } }, 0);

test('oneself first, then the fullest baskets, then who is away', () => {
  const { present, rows } = roster(world.animals.values(), 3, 60);
  assert.deepEqual(rows.map(({ seat }) => seat), [3, 4, 1, 2]);
  assert.equal(present, 3);
});

test('a long list is cut, and the count is not', () => {
  const { present, rows } = roster(world.animals.values(), null, 1);
  assert.deepEqual(rows.map(({ seat }) => seat), [4]);
  assert.equal(present, 3);
});
