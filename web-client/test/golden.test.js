import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { createSseParser } from '../sdk/sse-parser.js';

const golden = new URL('../../protocol/tests/golden/', import.meta.url);

/** @param {string} name */
const read = (name) => readFileSync(new URL(name, golden));

test('the server crate’s golden stream is read as the crate says, cut at every byte', () => {
  const bytes = read('stream.sse');
  const expected = JSON.parse(read('stream.events.json').toString('utf8'));
  assert.ok(expected.length > 0);
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    /** @type {unknown[]} */
    const events = [];
    const parser = createSseParser({
      event: ({ id, name, data }) => events.push({ id, name, data: JSON.parse(data) }),
      retry: () => {},
    });
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
    parser.push(decoder.decode(bytes.subarray(0, cut), { stream: true }));
    parser.push(decoder.decode(bytes.subarray(cut), { stream: true }));
    assert.deepEqual(events, expected, `cut at byte ${cut}`);
  }
});
