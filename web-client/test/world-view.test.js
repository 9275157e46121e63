import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Emitter } from '../sdk/emitter.js';
import { WorldView } from '../sdk/world-view.js';

/**
 * @typedef {{name: string, state: unknown, tick: number, hash: number, patches: {patch: unknown, events: unknown[], tick: number, hash: number}[]}} Script
 */

/** @type {Script[]} */
const SCRIPTS = JSON.parse(readFileSync(new URL('../../protocol/tests/golden/world.json', import.meta.url), 'utf8'));

const NAMES = /** @type {const} */ (['enter', 'leave', 'change', 'reset']);

/** A view, and what it tells its listeners, as the golden file spells it. */
function listened() {
  const world = new WorldView();
  /** @type {unknown[]} */
  const heard = [];
  for (const name of NAMES) {
    world.on(name, ({ entity, fields }) => {
      if (name === 'reset') heard.push('reset');
      else heard.push({ [name]: name === 'change' ? { fields, id: entity.id } : entity.id });
    });
  }
  return { world, heard };
}

test('the golden scripts are read as the server crate reads them', () => {
  assert.ok(SCRIPTS.length > 12 && SCRIPTS.some(({ name }) => name.startsWith('walk')));
  for (const { name, state, tick, hash, patches } of SCRIPTS) {
    const { world, heard } = listened();
    world.replace(state);
    assert.deepEqual([world.tick, world.hash(), heard.splice(0)], [tick, hash, ['reset']], name);
    for (const [at, step] of patches.entries()) {
      const sights = world.apply(step.patch);
      assert.deepEqual(heard.splice(0), step.events, `${name}, patch ${at}`);
      assert.equal(sights.length, step.events.length);
      assert.deepEqual([world.tick, world.hash()], [step.tick, step.hash], `${name}, patch ${at}`);
    }
    const snapshot = [...world.entities.values()].map(({ id, kind, far, fields }) => ({ ...fields, id, is: kind, far }));
    const again = new WorldView();
    again.replace({ tick: world.tick, world: snapshot.reverse() });
    assert.equal(again.hash(), world.hash(), `${name}: a snapshot says the same, in whatever order`);
  }
});

test('an entity is one object for as long as it is known, and listeners see the whole patch', () => {
  const world = new WorldView();
  world.replace({ tick: 1, world: [{ id: 1, is: 'fox', x: 1, far: true }, { id: 2, is: 'fox', hat: 'red' }] });
  const [far, near] = [world.entities.get(1), world.entities.get(2)];
  assert.deepEqual({ ...far, fields: { ...far?.fields } }, { id: 1, kind: 'fox', far: true, fields: { x: 1 } });
  /** @type {unknown[]} */
  const seen = [];
  world.on('change', ({ entity, fields }) => {
    assert.ok(entity && entity === far);
    seen.push(fields, entity.fields.x, world.tick, world.entities.get(9)?.kind);
  });
  world.on('leave', ({ entity }) => seen.push(entity === near, entity.fields.hat, world.entities.get(2)));
  world.apply({ tick: 2, world: [{ id: 1, x: 2 }, { id: 2, gone: true }, { id: 9, is: 'gate' }] });
  assert.deepEqual(seen, [['x'], 2, 2, 'gate', true, 'red', undefined]);
});

test('one change of an entity that began anew, far, is told of what it is now', () => {
  const world = new WorldView();
  world.replace({ tick: 1, world: [{ id: 1, is: 'fox', far: true }] });
  const sights = world.apply({ tick: 2, world: [{ id: 1, x: 1 }, { id: 1, is: 'hare', far: true }, { id: 1, y: 1 }] });
  assert.deepEqual(sights, [{ name: 'change', entity: world.entities.get(1), fields: ['x', 'y'] }]);
  assert.equal(sights[0]?.entity, world.entities.get(1));
});

test('a session is followed into its rooms and out of them', () => {
  const emitter = new Emitter();
  const { world, heard } = listened();
  const unfollow = world.follow({ on: emitter.on.bind(emitter) });
  const state = { score: 7, world: { tick: 1, world: [{ id: 1, is: 'fox' }] } };
  emitter.emit('patch', { tick: 1, world: [{ id: 1, x: 1 }] });
  assert.equal(world.entities.size, 0, 'what is told of a room is told behind its joined');
  emitter.emit('joined', { state });
  emitter.emit('patch', { score: 8 });
  emitter.emit('patch', { tick: 2, world: [{ id: 1, x: 1 }] });
  emitter.emit('gone', { seat: 2, own: false });
  assert.deepEqual([world.tick, world.entities.get(1)?.fields.x], [2, 1]);
  emitter.emit('joined', { state });
  assert.deepEqual([world.tick, world.entities.get(1)?.fields.x], [1, undefined], 'behind a reset it is told anew');
  emitter.emit('gone', { seat: 1, own: true });
  assert.deepEqual([world.tick, world.entities.size], [0, 0]);
  emitter.emit('joined', { state });
  emitter.emit('renewed', { room: {}, error: null });
  assert.equal(world.entities.size, 1);
  emitter.emit('renewed', { room: null, error: new Error() });
  assert.equal(world.entities.size, 0);
  for (const other of [null, undefined, 7, [], { world: 7 }, { world: [] }]) {
    emitter.emit('joined', { state: other });
    assert.equal(world.entities.size, 0, 'a game without a world');
  }
  assert.equal(heard.filter((name) => name === 'reset').length, 11);
  unfollow();
  emitter.emit('joined', { state });
  assert.equal(world.entities.size, 0);
});

test('what is no JSON is no value, whatever decoded it', () => {
  const world = new WorldView();
  const fields = { a: NaN, b: Infinity, c: undefined, d: 7n, e: [[undefined]], f: new Map(), g: () => 7, h: 7 };
  world.replace({ tick: NaN, world: [{ id: 1, is: 'fox', ...fields }, { id: NaN, is: 'fox' }, { id: Infinity, is: 'fox' }, { id: -0, is: 'fox' }] });
  assert.deepEqual([...world.entities.keys()], [1, 0]);
  assert.deepEqual(Object.keys(world.entities.get(1)?.fields ?? {}), ['f', 'h']);
  assert.ok(Object.is(world.entities.get(0)?.id, 0));
  assert.equal(/** @type {any} */ (world.entities.get(1)).fields.constructor, undefined, 'only what was told is a field');
});

test('a view is bounded', () => {
  const foxes = Array.from({ length: 65_540 }, (_, id) => ({ id, is: 'fox' }));
  const world = new WorldView();
  world.replace({ tick: 1, world: foxes });
  assert.equal(world.entities.size, 65_536);
  assert.deepEqual(world.apply({ world: [{ id: 65_536, is: 'fox' }, { id: 65_536, x: 1 }] }), []);
  assert.equal(world.apply({ world: [{ id: 7, is: 'hare' }] }).length, 2, 'an id that is known may begin anew');
  world.apply({ world: [{ id: 7, gone: true }, { id: 65_536, is: 'fox' }] });
  assert.ok(world.entities.has(65_536) && !world.entities.has(7));
});
