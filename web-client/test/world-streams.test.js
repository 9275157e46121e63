import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Cursor } from '../sdk/cursor.js';
import { Emitter } from '../sdk/emitter.js';
import { RoomView } from '../sdk/room-view.js';
import { createSseParser } from '../sdk/sse-parser.js';
import { WorldView } from '../sdk/world-view.js';

/**
 * @typedef {{last?: string, text: string, marks: [number, number][]}} Connection what it brings until it is cut, and where
 *   in its bytes which hash is due
 */

/** @type {{name: string, connections: Connection[]}[]} */
const SCRIPTS = JSON.parse(
  readFileSync(new URL('../../protocol/tests/golden/world-streams.json', import.meta.url), 'utf8'),
);

/** A reader as `Connection` and `Session` are one: the same parts, without a network. */
function createReader() {
  const cursor = new Cursor();
  const view = new RoomView();
  const emitter = new Emitter();
  const world = new WorldView();
  world.follow({ on: (name, listener) => emitter.on(name, listener) });

  /** @param {string} name @param {unknown} data */
  function receive(name, data) {
    const seen = view.apply(name, data);
    assert.notEqual(seen, null, `${name} cannot be read`);
    if (seen) emitter.emit(seen.name, seen.payload);
  }

  /** @param {import('../sdk/sse-parser.js').SseEvent} event */
  function take({ id, name, data }) {
    const value = JSON.parse(data);
    if (!cursor.accept(id)) return;
    if (name === 'batch') for (const [inner, item] of value) receive(inner, item);
    else if (name === 'hello') cursor.begin(value.last, value.resumed === true);
    else receive(name, value);
  }

  return {
    cursor,
    world,
    connect: () => {
      const parser = createSseParser({ event: take, retry: () => {} });
      const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
      /** @param {Uint8Array} bytes */
      return (bytes) => parser.push(decoder.decode(bytes, { stream: true }));
    },
  };
}

/** Feeds bytes in pieces of any size. @param {(bytes: Uint8Array) => void} push @param {Uint8Array} bytes @param {() => number} draw */
function feed(push, bytes, draw) {
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(draw() ** 3 * 2_000);
    push(bytes.subarray(at, end));
    at = end;
  }
}

/** The same numbers each time. @param {number} seed */
function drawFrom(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('the SDK sees what the server shows, over whole streams that are cut and resumed', () => {
  let marks = 0;
  for (const { name, connections } of SCRIPTS) {
    const { cursor, world, connect } = createReader();
    const draw = drawFrom(name.length);
    for (const [number, connection] of connections.entries()) {
      const where = `${name}, connection ${number}`;
      assert.equal(cursor.id, connection.last ?? null, `${where}: it goes on from what it has`);
      const bytes = Buffer.from(connection.text);
      const push = connect();
      let at = 0;
      for (const [end, hash] of connection.marks) {
        feed(push, bytes.subarray(at, end), draw);
        at = end;
        assert.equal(world.hash(), hash, `${where}, byte ${end}`);
        marks += 1;
      }
      feed(push, bytes.subarray(at), draw);
    }
    assert.ok(world.entities.size > 0 && world.tick > 40, name);
  }
  assert.ok(marks > 60, `${marks} marks`);
});
