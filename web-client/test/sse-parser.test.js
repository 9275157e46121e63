import assert from 'node:assert/strict';
import test from 'node:test';
import { EVENT_CHARS_MAX, createSseParser } from '../sdk/sse-parser.js';

/** @param {string[]} chunks */
function parse(chunks) {
  /** @type {import('../sdk/sse-parser.js').SseEvent[]} */
  const events = [];
  /** @type {number[]} */
  const retries = [];
  const parser = createSseParser({ event: (event) => events.push(event), retry: (ms) => retries.push(ms) });
  for (const chunk of chunks) parser.push(chunk);
  return { events, retries };
}

const SAMPLE = [
  '\uFEFFretry: 1500\n',
  ': a comment\n\n',
  'event: hello\ndata: {"epoch":"7f3a91c2"}\n\n',
  'id: 7f3a91c2.1\r\nevent: chat\r\ndata: {"text":"Zoë 🦊"}\r\n\r\n',
  'id: 7f3a91c2.2\revent: chat\rdata:no space\rdata:  two spaces\r\r',
  'data\n\n',
  'event: empty\n\n',
  'id: bad\0id\ndata: nul\n\n',
  'retry: 12a\nretry: 99\nunknown: field\ndata: a:b\n\n',
  'data: unfinished',
].join('');

const EVENTS = [
  { id: null, name: 'hello', data: '{"epoch":"7f3a91c2"}' },
  { id: '7f3a91c2.1', name: 'chat', data: '{"text":"Zoë 🦊"}' },
  { id: '7f3a91c2.2', name: 'chat', data: 'no space\n two spaces' },
  { id: null, name: 'message', data: '' },
  { id: null, name: 'message', data: 'nul' },
  { id: null, name: 'message', data: 'a:b' },
];

test('a stream in one piece gives its events, and not the unfinished one', () => {
  assert.deepEqual(parse([SAMPLE]), { events: EVENTS, retries: [1500, 99] });
});

test('a stream cut anywhere gives the same events', () => {
  for (let cut = 0; cut <= SAMPLE.length; cut += 1) {
    const { events, retries } = parse([SAMPLE.slice(0, cut), SAMPLE.slice(cut)]);
    assert.deepEqual(events, EVENTS, `cut at ${cut}`);
    assert.deepEqual(retries, [1500, 99], `cut at ${cut}`);
  }
});

test('a stream that comes unit by unit gives the same events', () => {
  assert.deepEqual(parse(SAMPLE.split('')).events, EVENTS);
});

test('only the first byte order mark is taken away', () => {
  assert.deepEqual(parse(['\uFEFF\uFEFFdata: x\n\ndata: y\n\n']).events, [{ id: null, name: 'message', data: 'y' }]);
});

test('an event without end does not fill the memory', () => {
  const parser = createSseParser({ event: () => {}, retry: () => {} });
  const piece = 'x'.repeat(EVENT_CHARS_MAX / 4);
  assert.throws(() => {
    for (let i = 0; i < 6; i += 1) parser.push(piece);
  }, RangeError);
});
