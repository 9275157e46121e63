import assert from 'node:assert/strict';
import test from 'node:test';
import { DELAY_MS, World } from '../meadow/world.js';

const STATE = {
  tick: 100,
  tick_ms: 50,
  width: 2_400,
  height: 1_600,
  speed: 240,
  reach: 70,
  animals: [{ seat: 1, x: 100, y: 200, basket: 2 }, { seat: 2, x: 300, y: 400, basket: 0 }],
  flowers: [{ id: 0, x: 110, y: 210, kind: 2, open: true }, { id: 1, x: 900, y: 900, kind: 4, open: false }],
};

function entered() {
  const world = new World();
  const players = [
    { seat: 1, name: 'Zoë 🦊', me: { animal: 'fox' }, away: false },
    { seat: 2, name: 'سارة', me: { animal: 'dragon' }, away: true },
  ];
  world.enter({ seat: 1, players, state: STATE }, 5_000);
  return world;
}

test('the meadow begins as joined tells it', () => {
  const world = entered();
  assert.equal(world.own?.name, 'Zoë 🦊');
  assert.equal(world.own?.basket, 2);
  assert.equal(world.animals.get(2)?.kind, 'rabbit', 'what is no animal is a rabbit');
  assert.equal(world.animals.get(2)?.away, true);
  assert.equal(world.flowers.size, 2);
  assert.deepEqual(world.latestOf(2), { x: 300, y: 400 });
});

test('the others move smoothly, a little in the past', () => {
  const world = entered();
  world.patch({ tick: 101, animals: [{ seat: 2, x: 312, y: 400, basket: 0 }] }, 5_050);
  const spot = world.positionOf(2, 5_025 + DELAY_MS);
  assert.ok(spot && Math.abs(spot.x - 306) < 0.01);
  assert.equal(world.positionOf(2, 9_000)?.x, 312);
});

test('who comes is placed by the next patch, who goes is forgotten', () => {
  const world = entered();
  world.here({ seat: 3, name: 'Ida', me: null, away: false }, 6_000);
  assert.equal(world.positionOf(3, 6_000), null);
  world.patch({ tick: 120, animals: [{ seat: 3, x: 5, y: 6, basket: 0 }] }, 6_000);
  assert.deepEqual(world.latestOf(3), { x: 5, y: 6 });
  world.gone(3);
  world.patch({ tick: 121, animals: [{ seat: 3, x: 7, y: 8, basket: 0 }] }, 6_050);
  assert.equal(world.animals.has(3), false);
});

test('a picked flower closes, tells by whom, and opens again in silence', () => {
  const world = entered();
  assert.deepEqual(world.patch({ tick: 101, flowers: [{ id: 0, open: false, by: 2 }] }, 5_050), [
    { id: 0, x: 110, y: 210, kind: 2, by: 2 },
  ]);
  assert.equal(world.flowerNear(100, 200, 70), null);
  assert.deepEqual(world.patch({ tick: 102, flowers: [{ id: 0, open: true }] }, 5_100), []);
  assert.equal(world.flowerNear(100, 200, 70)?.id, 0);
});

test('only open flowers within reach are near', () => {
  const world = entered();
  assert.equal(world.flowerNear(100, 200, 10), null);
  assert.equal(world.flowerNear(900, 900, 70), null);
});

test('what somebody says or feels is kept for a while, and only by those who are here', () => {
  const world = entered();
  world.say(2, 'hi', 7_000);
  world.feel(2, 'wave', 7_000);
  world.feel(1, 'rage', 7_000);
  world.say(9, 'hi', 7_000);
  assert.deepEqual(world.animals.get(2)?.bubble, { text: 'hi', since_ms: 7_000 });
  assert.equal(world.animals.get(2)?.emote?.emote, 'wave');
  assert.equal(world.own?.emote, null);
});

test('hostile data changes nothing and does not throw', () => {
  const world = entered();
  const hostile = [
    null, 7, 'x', [], { tick: 'x' }, { tick: NaN }, { tick: -1 },
    { tick: 101, animals: 7, flowers: {} },
    { tick: 101, animals: [null, 1, {}, { seat: 1, x: 'a', y: 1 }, { seat: 1, x: Infinity, y: 1 }, { seat: 1, x: 1e9, y: 1 }] },
    { tick: 101, flowers: [null, {}, { id: 0 }, { id: 0, open: 'no' }, { id: '__proto__', open: false }] },
  ];
  for (const data of hostile) assert.deepEqual(world.patch(data, 5_050), []);
  assert.deepEqual(world.latestOf(1), { x: 100, y: 200 });
  assert.equal(world.flowers.get(0)?.open, true);
  for (const state of [null, 7, { width: -5, height: 'x', tick_ms: 0, animals: 'x', flowers: 7 }]) {
    world.enter({ seat: 1, players: [], state }, 0);
    assert.deepEqual([world.width, world.height, world.tick_ms], [2_400, 1_600, 50]);
  }
});

test('a page draws no more than it can', () => {
  const world = entered();
  const flowers = Array.from({ length: 10_000 }, (_, id) => ({ id, x: 1, y: 1, kind: 99, open: true }));
  const players = Array.from({ length: 5_000 }, (_, seat) => ({ seat, name: 'x', me: null, away: false }));
  world.enter({ seat: 1, players, state: { ...STATE, flowers } }, 0);
  assert.equal(world.flowers.size, 2_000);
  assert.equal(world.animals.size, 1_000);
  assert.equal(world.flowers.get(1)?.kind, 0);
});
