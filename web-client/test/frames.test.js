import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { FRAME_BYTES_MAX, createFrameParser } from '../sdk/frames.js';
import { encode } from '../sdk/msgpack.js';

/** @param {...Uint8Array} chunks */
function parse(...chunks) {
  /** @type {import('../sdk/frames.js').FrameEvent[]} */
  const events = [];
  const parser = createFrameParser({ event: (event) => events.push(event) });
  for (const chunk of chunks) parser.push(chunk);
  return events;
}

/** @param {unknown} value */
function frame(value) {
  const body = encode(value);
  const bytes = new Uint8Array(4 + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length);
  bytes.set(body, 4);
  return bytes;
}

test('frames of all sizes come out however they are cut', () => {
  const values = [null, 'x'.repeat(200_000), { a: [1] }, 'y'.repeat(70_000), 5];
  const bytes = Buffer.concat(values.map((data, i) => frame([`aa.${i}`, 'msg', data])));
  const expected = values.map((data, i) => ({ id: `aa.${i}`, name: 'msg', data }));
  for (const step of [1_000, 65_536, 99_991, bytes.length]) {
    const chunks = Array.from({ length: Math.ceil(bytes.length / step) }, (_, i) => bytes.subarray(i * step, (i + 1) * step));
    assert.deepEqual(parse(...chunks), expected, `in pieces of ${step}`);
  }
});

test('what a frame held stays as it was when the next one comes', () => {
  const [first] = parse(frame(['aa.1', 'msg', 'first']), frame(['aa.2', 'msg', 'other']));
  assert.deepEqual(first, { id: 'aa.1', name: 'msg', data: 'first' });
});

test('bytes that are no frames are refused', () => {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, FRAME_BYTES_MAX + 1);
  assert.throws(() => parse(head), RangeError);
  for (const bad of [[null, 'a'], [null, 'a', 1, 2], [1, 'a', null], [null, null, null], {}]) assert.throws(() => parse(frame(bad)), RangeError);
  assert.throws(() => parse(new Uint8Array(4)), RangeError);
});

test('a listener that throws loses no other frame', () => {
  /** @type {unknown[]} */
  const heard = [];
  const parser = createFrameParser({
    event: ({ data }) => {
      heard.push(data);
      if (data === 1) throw new Error('of the page');
    },
  });
  const bytes = Buffer.concat([frame([null, 'a', 1]), frame([null, 'a', 2])]);
  assert.throws(() => parser.push(bytes), /of the page/);
  parser.push(new Uint8Array());
  assert.deepEqual(heard, [1, 2]);
});

test('the golden frames are the golden events', () => {
  const golden = new URL('../../protocol/tests/golden/', import.meta.url);
  const bytes = readFileSync(new URL('stream.frames', golden));
  const expected = JSON.parse(readFileSync(new URL('stream.events.json', golden), 'utf8'));
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    assert.deepEqual(parse(bytes.subarray(0, cut), bytes.subarray(cut)), expected, `cut at byte ${cut}`);
  }
});
