import assert from 'node:assert/strict';
import test from 'node:test';
import { DELAY_MS, World } from '../meadow/world.js';

const STATE = {
  tick_ms: 50,
  width: 4_800,
  height: 3_200,
  speed: 240,
  reach: 70,
  sight: 1_200,
  bag_max: 2,
  world: {
    tick: 100,
    world: [
      { id: 0, is: 'flower', x: 110, y: 210, kind: 2, open: true },
      { id: 1, is: 'flower', x: 900, y: 900, kind: 4, open: false, by: 2 },
      { id: 10, is: 'thing', kind: 'shell', x: 130, y: 220 },
      { id: 11, is: 'thing', kind: 'acorn' },
      { id: 20, is: 'animal', seat: 1, x: 100, y: 200, basket: 2, carries: 1, bag: [11] },
      { id: 21, is: 'animal', seat: 2, x: 300, y: 400, basket: 0, carries: 0 },
    ],
  },
};

function entered() {
  const world = new World();
  const players = [
    { seat: 1, name: 'Zoë 🦊', me: { animal: 'fox' }, away: false },
    { seat: 2, name: 'سارة', me: { animal: 'dragon' }, away: true },
    { seat: 3, name: 'Far away', me: null, away: false },
  ];
  world.enter({ seat: 1, players, state: STATE }, 5_000);
  return world;
}

/** @param {number} tick @param {...object} pieces */
const patch = (tick, ...pieces) => ({ tick, world: pieces });

test('the meadow begins as joined tells it', () => {
  const world = entered();
  assert.equal(world.own?.name, 'Zoë 🦊');
  assert.equal(world.own?.basket, 2);
  assert.equal(world.animals.get(2)?.kind, 'rabbit', 'what is no animal is a rabbit');
  assert.equal(world.animals.get(2)?.away, true);
  assert.equal(world.flowers.size, 2);
  assert.deepEqual(world.latestOf(2), { x: 300, y: 400 });
  assert.deepEqual([...world.things.keys()], [10], 'what is carried does not lie there');
  assert.deepEqual(world.bag, [{ id: 11, kind: 'acorn' }]);
  assert.equal(world.animals.get(3)?.name, 'Far away');
  assert.equal(world.positionOf(3, 5_000), null, 'it is listed, and out of sight');
});

test('the others move smoothly, a little in the past', () => {
  const world = entered();
  world.patch(patch(101, { id: 21, x: 312, y: 400 }), 5_050);
  const spot = world.positionOf(2, 5_025 + DELAY_MS);
  assert.ok(spot && Math.abs(spot.x - 306) < 0.01);
  assert.equal(world.positionOf(2, 9_000)?.x, 312);
});

test('who comes is seen when both the roster and the world tell of him, whichever is first', () => {
  for (const world_first of [false, true]) {
    const world = entered();
    const here = () => world.here({ seat: 4, name: 'Ida', me: { animal: 'duck' }, away: false });
    const appear = () => world.patch(patch(120, { id: 30, is: 'animal', seat: 4, x: 5, y: 6, basket: 3, carries: 2 }), 6_000);
    for (const tell of world_first ? [appear, here] : [here, appear]) tell();
    assert.deepEqual(world.latestOf(4), { x: 5, y: 6 });
    assert.deepEqual([world.animals.get(4)?.kind, world.animals.get(4)?.basket, world.spotOf(4)?.carries], ['duck', 3, 2]);
    world.patch(patch(121, { id: 30, x: 7, y: 8 }), 6_050);
    assert.deepEqual(world.latestOf(4), { x: 7, y: 8 });
  }
});

test('who goes is forgotten, and the next one on the seat is another', () => {
  const world = entered();
  world.gone(2);
  assert.equal(world.positionOf(2, 5_100), null);
  world.here({ seat: 2, name: 'Ida', me: null, away: false });
  world.patch(patch(121, { id: 19, is: 'animal', seat: 2, x: 7, y: 8, basket: 0, carries: 0 }, { id: 21, x: 1, y: 1 }, { id: 21, gone: true }), 6_050);
  assert.deepEqual(world.latestOf(2), { x: 7, y: 8 });
  assert.equal(world.spotOf(2)?.id, 19);
});

test('an animal out of sight stays in the list, and comes back where it is and not along the way', () => {
  const world = entered();
  world.patch(patch(101, { id: 21, basket: 5 }), 5_050);
  world.patch(patch(102, { id: 21, gone: true }), 5_100);
  assert.equal(world.positionOf(2, 5_200), null);
  assert.equal(world.animals.get(2)?.basket, 5, 'as it was seen last');
  world.patch(patch(300, { id: 21, is: 'animal', seat: 2, x: 900, y: 900, basket: 6, carries: 0 }), 15_000);
  const spot = world.positionOf(2, 15_000);
  assert.deepEqual([spot?.x, spot?.y, world.spotOf(2)?.came_ms], [900, 900, 15_000]);
});

test('a picked flower closes, tells by whom, and opens again in silence', () => {
  const world = entered();
  assert.deepEqual(world.patch(patch(101, { id: 0, open: false, by: 2 }), 5_050), [{ id: 0, x: 110, y: 210, kind: 2, by: 2 }]);
  assert.equal(world.isThere({ what: 'flower', id: 0, x: 110, y: 210, kind: 2 }), false);
  assert.deepEqual(world.patch(patch(102, { id: 0, open: true, by: null }), 5_100), []);
  assert.equal(world.nearest(100, 200, 20)?.id, 0);
  const told = world.patch(patch(103, { id: 40, is: 'flower', x: 1, y: 1, kind: 0, open: false, by: 2 }), 5_150);
  assert.deepEqual(told, [], 'it was picked before it came into sight');
});

test('a thing is taken, carried and dropped', () => {
  const world = entered();
  world.patch(patch(101, { id: 10, x: null, y: null }, { id: 20, carries: 2 }, { id: 20, bag: [11, 10] }), 5_050);
  assert.equal(world.things.size, 0);
  assert.deepEqual(world.bag, [{ id: 11, kind: 'acorn' }, { id: 10, kind: 'shell' }]);
  world.patch(patch(102, { id: 11, x: 400, y: 300 }, { id: 20, carries: 1 }, { id: 20, bag: [10] }), 5_100);
  assert.deepEqual(world.things.get(11), { id: 11, x: 400, y: 300, kind: 'acorn', changed_ms: 5_100 });
  assert.deepEqual(world.bag, [{ id: 10, kind: 'shell' }]);
  world.patch(patch(103, { id: 11, gone: true }), 5_150);
  assert.equal(world.things.size, 0, 'somebody else took it');
});

test('only what is within reach is near; what is nearer first, and a full bag leaves things alone', () => {
  const world = entered();
  assert.equal(world.nearest(100, 200, 10), null);
  assert.equal(world.nearest(900, 900, 70), null, 'it is closed');
  assert.deepEqual(world.nearest(118, 214, 70), { what: 'flower', id: 0, x: 110, y: 210, kind: 2 });
  assert.deepEqual(world.nearest(126, 219, 70), { what: 'thing', id: 10, x: 130, y: 220, kind: 'shell' });
  world.patch(patch(101, { id: 20, bag: [11, 12] }), 5_050);
  assert.equal(world.nearest(126, 219, 70)?.what, 'flower');
  assert.equal(world.nearest(140, 219, 20)?.what, 'thing', 'there is nothing else');
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
    { tick: 101, world: 7 },
    patch(101, { id: 20, x: 'a' }, { id: 20, x: Infinity }, { id: 20, x: 1e9 }, { id: 0, open: 'no' }, { id: '__proto__', open: false }),
    patch(101, { id: 50, is: 'animal' }, { id: 51, is: 'animal', seat: '1', x: 1, y: 1 }, { id: 52, is: 'dragon', x: 1, y: 1 }, { id: 53, is: 'thing' }),
  ];
  for (const data of hostile) assert.deepEqual(world.patch(data, 5_050), []);
  assert.deepEqual(world.latestOf(1), { x: 100, y: 200 });
  assert.equal(world.flowers.get(0)?.open, true);
  world.patch(patch(102, { id: 20, bag: [{}, 'x', null, 11] }), 5_100);
  assert.ok(world.bag.length <= 2);
  world.patch(patch(103, { id: 20, bag: 7 }), 5_150);
  assert.deepEqual(world.bag, []);
  for (const state of [null, 7, { width: -5, height: 'x', tick_ms: 0, world: 'x' }, { world: { world: [null, 7, { id: 1, is: 'thing', x: 1, y: 1, kind: 'gold' }] } }]) {
    world.enter({ seat: 1, players: [], state }, 0);
    assert.deepEqual([world.width, world.height, world.tick_ms], [4_800, 3_200, 50]);
  }
  assert.equal(world.things.get(1)?.kind, 'pebble', 'what is no thing is a pebble');
});

test('a page draws no more than it can', () => {
  const world = entered();
  const flowers = Array.from({ length: 20_000 }, (_, id) => ({ id, is: 'flower', x: 1, y: 1, kind: 99, open: true }));
  const things = Array.from({ length: 5_000 }, (_, id) => ({ id: 30_000 + id, is: 'thing', x: 1, y: 1, kind: 'acorn' }));
  const players = Array.from({ length: 5_000 }, (_, seat) => ({ seat, name: 'x', me: null, away: false }));
  world.enter({ seat: 1, players, state: { ...STATE, world: { tick: 1, world: [...flowers, ...things] } } }, 0);
  assert.deepEqual([world.flowers.size, world.things.size, world.animals.size], [10_000, 1_000, 4_096]);
  assert.equal(world.flowers.get(1)?.kind, 0);
});
