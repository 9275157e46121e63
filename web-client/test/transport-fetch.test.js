import assert from 'node:assert/strict';
import test from 'node:test';
import { fetchTransport } from '../sdk/transport-fetch.js';

const STREAM = { headers: { 'Content-Type': 'text/event-stream' } };

/**
 * @param {() => Promise<Response>} answer
 * @param {(heard: string[], stream: {close: () => void}) => void} [onEvent]
 * @returns {Promise<{heard: string[], end: import('../sdk/transport-fetch.js').StreamEnd | null}>}
 */
function run(answer, onEvent = () => {}) {
  return new Promise((resolve) => {
    /** @type {string[]} */
    const heard = [];
    const stream = fetchTransport(
      { url: 'http://sward.test/v1/stream', fetch: answer },
      {
        heard: () => {},
        retry: (retry_ms) => heard.push(`retry ${retry_ms}`),
        event: ({ id, name, data }) => {
          heard.push(`${id} ${name} ${data}`);
          onEvent(heard, stream);
        },
        end: (end) => resolve({ heard, end }),
      },
    );
    setTimeout(() => resolve({ heard, end: null }), 200);
  });
}

/** @param {...Uint8Array} chunks */
const body = (...chunks) =>
  new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });

test('a stream is read as it comes, also when a letter is cut in two', async () => {
  const bytes = new TextEncoder().encode('retry: 9\n\nid: a.1\nevent: chat\ndata: 🦊\n\ndata: half');
  const cut = bytes.indexOf(0x9f) + 1;
  const { heard, end } = await run(async () => new Response(body(bytes.subarray(0, cut), bytes.subarray(cut)), STREAM));
  assert.deepEqual(heard, ['retry 9', 'a.1 chat 🦊']);
  assert.deepEqual(end, { why: 'network', status: 200 });
});

test('204 is the end of the session, another status a refusal, no answer a failure', async () => {
  const table = /** @type {[() => Promise<Response>, import('../sdk/transport-fetch.js').StreamEnd][]} */ ([
    [async () => new Response(null, { status: 204 }), { why: 'ended', status: 204 }],
    [async () => new Response('x', { status: 502 }), { why: 'refused', status: 502 }],
    [async () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } }), { why: 'refused', status: 200 }],
    [() => Promise.reject(new TypeError('offline')), { why: 'network', status: 0 }],
  ]);
  for (const [answer, expected] of table) assert.deepEqual((await run(answer)).end, expected);
});

test('after close nothing is said any more, not even from the same chunk', async () => {
  const bytes = new TextEncoder().encode('data: 1\n\ndata: 2\n\n');
  const { heard, end } = await run(async () => new Response(body(bytes), STREAM), (_, stream) => stream.close());
  assert.deepEqual(heard, ['null message 1']);
  assert.equal(end, null);
});
