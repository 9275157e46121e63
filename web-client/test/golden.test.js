import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Http } from '../sdk/http.js';
import { decode, encode } from '../sdk/msgpack.js';
import { createSseParser } from '../sdk/sse-parser.js';
import { UpstreamQueue } from '../sdk/upstream-queue.js';

const golden = new URL('../../protocol/tests/golden/', import.meta.url);

/** @param {string} name */
const read = (name) => readFileSync(new URL(name, golden));

/** @param {string} base64 */
const unpacked = (base64) => decode(Buffer.from(base64, 'base64'));

/** @type {{id: string | null, name: string, data: unknown}[]} */
const EVENTS = JSON.parse(read('stream.events.json').toString('utf8'));

/** @type {{name: string, json: any, msgpack: string | null}[]} */
const BODIES = JSON.parse(read('bodies.json').toString('utf8'));

/** @param {string} name */
function body(name) {
  const found = BODIES.find((entry) => entry.name === name);
  assert.ok(found, name);
  return found.json;
}

/** @param {...Uint8Array} chunks */
function parse(...chunks) {
  /** @type {import('../sdk/sse-parser.js').SseEvent[]} */
  const events = [];
  const parser = createSseParser({ event: (event) => events.push(event), retry: () => {} });
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  for (const chunk of chunks) parser.push(decoder.decode(chunk, { stream: true }));
  return events;
}

/** The id of a batch is that of its last event; those of the others are not told. @param {{id: string | null, data: unknown}[]} expected */
const withoutIds = (expected) => expected.map(({ id, ...event }) => event);

test('the server crate’s golden stream is read as the crate says, cut at every byte', () => {
  const bytes = read('stream.sse');
  assert.ok(EVENTS.length > 0);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const events = parse(bytes.subarray(0, cut), bytes.subarray(cut));
    assert.deepEqual(events.map((event) => ({ ...event, data: JSON.parse(event.data) })), EVENTS, `cut at byte ${cut}`);
  }
});

test('the golden stream in batches holds the same events', () => {
  const events = parse(read('stream.batch.sse')).flatMap(({ id, name, data }) => {
    if (name !== 'batch') return [{ name, data: JSON.parse(data) }];
    /** @type {[string, unknown][]} */
    const items = JSON.parse(data);
    assert.equal(id, EVENTS.findLast((event) => event.name === items.at(-1)?.[0])?.id);
    return items.map(([inner, value]) => ({ name: inner, data: value }));
  });
  assert.deepEqual(events, withoutIds(EVENTS));
});

test('the golden streams in MessagePack hold the same events', () => {
  const single = parse(read('stream.msgpack.sse')).map((event) => ({ ...event, data: unpacked(event.data) }));
  assert.deepEqual(single, EVENTS);
  const batches = parse(read('stream.batch.msgpack.sse')).flatMap(({ name, data }) => {
    if (name !== 'batch') return [{ name, data: unpacked(data) }];
    return data.split(',').map((item) => {
      const [inner, value] = /** @type {[string, unknown]} */ (unpacked(item));
      return { name: inner, data: value };
    });
  });
  assert.deepEqual(batches, withoutIds(EVENTS));
});

test('every golden body says the same in JSON and in MessagePack, which is written here byte for byte as there', () => {
  assert.ok(BODIES.length > 20);
  for (const { name, json, msgpack } of BODIES) {
    if (msgpack === null) continue;
    assert.deepEqual(unpacked(msgpack), json, name);
    assert.equal(Buffer.from(encode(json)).toString('base64'), msgpack, name);
  }
});

test('what goes up is what the server crate reads', () => {
  const queue = new UpstreamQueue('k7');
  const sent = body('POST /v1/send');
  for (const { type, data, to, keep, rid } of sent.msgs) {
    queue.push({ type, data, to, keep, latest: undefined, settle: rid === undefined ? undefined : () => {} });
  }
  const written = JSON.parse(queue.next(0, sent.ack, 5_000) ?? '');
  // Numbers of its own; `key` is for clients that ask for the latest lane.
  const plain = (/** @type {any[]} */ messages) => messages.map(({ rid, key, ...message }) => message);
  assert.deepEqual({ ...written, seq: sent.seq, msgs: plain(written.msgs) }, { ...sent, msgs: plain(sent.msgs) });
});

test('a golden answer settles what was asked', () => {
  const queue = new UpstreamQueue('k7');
  /** @type {unknown[]} */
  const answers = [];
  for (let i = 0; i < 6; i += 1) {
    const settle = i === 1 || i > 3 ? () => {} : undefined;
    queue.push({ type: `type ${i}`, data: null, to: undefined, latest: undefined, settle });
  }
  queue.next(0, null, 5_000);
  for (const { message, answer } of queue.answered(body('POST /v1/send: 200'))) {
    answers.push([message.type, 'error' in answer ? answer.error.code : answer.data]);
  }
  assert.deepEqual(answers, [['type 1', null], ['type 2', 'unknown_type'], ['type 4', 'too_far'], ['type 5', { basket: 3 }]]);
});

test('a golden problem is an error with its code', async () => {
  /** @type {[string, object][]} */
  const table = [
    ['problem', { code: 'bad_name', status: 422, retry_after_ms: null, expected: null }],
    ['problem, to be tried again', { code: 'room_busy', status: 429, retry_after_ms: 1_500 }],
    ['problem, a gap', { code: 'gap', status: 409, expected: 38 }],
  ];
  for (const [name, expected] of table) {
    const problem = body(name);
    const http = new Http('http://sward.test', async () => new Response(JSON.stringify(problem), { status: problem.status }));
    await assert.rejects(http.post('/v1/send', null, {}), expected);
  }
});
