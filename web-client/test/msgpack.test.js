import assert from 'node:assert/strict';
import test from 'node:test';
import * as reference from '@msgpack/msgpack';
import { decode, encode } from '../sdk/msgpack.js';

/** A small generator with a seed that a failure prints. @param {number} seed */
function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const LENGTHS = [0, 1, 15, 16, 31, 32, 255, 256, 70_000];
const NUMBERS = [0, -0, 1, -1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 60, 1.5, 5e-324, 1e300,
  -32, -33, -128, -129, -32_768, -32_769, -(2 ** 31), -(2 ** 31) - 1, -(2 ** 53) + 1, -(2 ** 53), -(2 ** 63)];
const TEXTS = ['', 'a', 'Zoë 🦊', '\u0000\r\n\n\u2028', '\uFEFFx', '__proto__', 'constructor', 'محمد'];

/** @param {() => number} random @param {number} depth @returns {unknown} */
function anyValue(random, depth) {
  /** @template T @param {T[]} from @returns {T} */
  const pick = (from) => /** @type {T} */ (from[Math.floor(random() * from.length)]);
  const kind = Math.floor(random() * (depth > 4 ? 5 : 7));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return pick(NUMBERS);
  if (kind === 3) return (random() - 0.5) * 10 ** Math.floor(random() * 20);
  if (kind === 4) return pick(TEXTS).repeat(Math.floor(random() * 12));
  const count = Math.floor(random() * (depth === 0 ? 20 : 5));
  if (kind === 5) return Array.from({ length: count }, () => anyValue(random, depth + 1));
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [pick(TEXTS) + i, anyValue(random, depth + 1)]));
}

test('values of any kind survive, and another implementation reads and writes the same', () => {
  const seed = (Math.random() * 2 ** 32) >>> 0;
  const random = seeded(seed);
  for (let i = 0; i < 2_000; i += 1) {
    const value = anyValue(random, 0);
    const bytes = encode(value);
    assert.deepEqual(decode(bytes), value, `seed ${seed}, round ${i}`);
    assert.deepEqual(reference.decode(bytes), value, `seed ${seed}, round ${i}`);
    // It writes -0 as 0, so what it reads itself is what counts.
    const theirs = reference.encode(value);
    assert.deepEqual(decode(theirs), reference.decode(theirs), `seed ${seed}, round ${i}`);
  }
});

test('every length has its own head', () => {
  for (const length of LENGTHS) {
    const array = new Array(length).fill(7);
    const object = Object.fromEntries(array.map((seven, i) => [`k${i}`, seven]));
    for (const value of ['x'.repeat(length), array, object]) {
      const bytes = encode(value);
      assert.deepEqual(Buffer.from(bytes), Buffer.from(reference.encode(value)), `length ${length}`);
      assert.deepEqual(decode(bytes), value, `length ${length}`);
    }
  }
});

test('what JSON leaves out is left out', () => {
  const date = new Date(0);
  const value = { a: undefined, b: () => 1, c: [undefined, Symbol('x'), NaN, Infinity], d: date, e: new Number(5), f: { toJSON: () => undefined } };
  assert.deepEqual(decode(encode(value)), JSON.parse(JSON.stringify(value)));
  assert.equal(decode(encode(undefined)), null);
});

test('what no JSON can say is refused', () => {
  /** @type {unknown[]} */
  const circle = [];
  circle.push(circle);
  for (const bad of [1n, [1n], '\ud83e', { '\udd8a': 1 }, circle]) assert.throws(() => encode(bad), TypeError);
});

test('integers beyond 2^53 become the nearest double', () => {
  assert.equal(decode(Uint8Array.of(0xcf, 255, 255, 255, 255, 255, 255, 255, 255)), 2 ** 64);
  assert.equal(decode(Uint8Array.of(0xd3, 128, 0, 0, 0, 0, 0, 0, 0)), -(2 ** 63));
  assert.equal(encode(2 ** 53)[0], 0xcb);
  assert.ok(Object.is(decode(encode(-0)), -0));
});

test('bytes that are no such value are refused', () => {
  const bad = {
    nothing: [], 'never used': [0xc1], 'bin 8': [0xc4, 1, 1], 'ext 8': [0xc7, 1, 5, 1], fixext: [0xd4, 5, 9], NaN: [0xca, 0x7f, 0xc0, 0, 0],
    infinity: [0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], 'key 1': [0x81, 1, 1], 'no UTF-8': [0xa2, 0xff, 0xff], 'half a surrogate': [0xa3, 0xed, 0xa0, 0x80],
    'cut in a string': [0xa5, 0x61], 'cut in a length': [0xda, 0], 'cut in an array': [0x92, 1], 'a huge array': [0xdd, 255, 255, 255, 255],
    'a huge map': [0xdf, 255, 255, 255, 255], 'a huge string': [0xdb, 255, 255, 255, 255], 'bytes behind': [1, 1],
    'too deep': [...new Array(200).fill(0x91), 1],
  };
  for (const [what, bytes] of Object.entries(bad)) assert.throws(() => decode(Uint8Array.from(bytes)), RangeError, what);
});

test('any bytes are a value or a RangeError', () => {
  const seed = (Math.random() * 2 ** 32) >>> 0;
  const random = seeded(seed);
  for (let i = 0; i < 5_000; i += 1) {
    const bytes = Uint8Array.from({ length: Math.floor(random() * 40) }, () => Math.floor(random() * 256));
    try {
      const value = decode(bytes);
      assert.deepEqual(decode(encode(value)), value);
    } catch (error) {
      assert.ok(error instanceof RangeError, `seed ${seed}, round ${i}: ${error}`);
    }
  }
});

test('a hostile key changes no prototype', () => {
  const object = /** @type {any} */ (decode(encode(JSON.parse('{"__proto__":{"polluted":true},"a":1}'))));
  assert.equal(object.polluted, undefined);
  assert.deepEqual(Object.keys(object), ['__proto__', 'a']);
});
