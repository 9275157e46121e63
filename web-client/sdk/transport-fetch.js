import { createSseParser } from './sse-parser.js';

/**
 * The stream as a `fetch` whose body is read as it arrives.
 *
 * A transport is a function `(request, handlers) => {close}`. It opens one stream, hands out what comes, says once how
 * it ended, and never reconnects: that is the machine's decision. After `close` it says nothing any more.
 *
 * @typedef {object} StreamEnd
 * @property {'ended' | 'refused' | 'network'} why `ended`: 204, the session is over. `refused`: any other status, or
 *   something that is no event stream. `network`: the connection failed or was closed.
 * @property {number} status 0 when there was no answer
 *
 * @typedef {object} StreamHandlers
 * @property {() => void} heard bytes arrived
 * @property {(event: import('./sse-parser.js').SseEvent) => void} event
 * @property {(retry_ms: number) => void} retry
 * @property {(end: StreamEnd) => void} end
 *
 * @typedef {object} StreamRequest
 * @property {string} url
 * @property {typeof globalThis.fetch} fetch
 *
 * @typedef {(request: StreamRequest, handlers: StreamHandlers) => {close: () => void}} Transport
 */

/** @type {Transport} */
export function fetchTransport(request, handlers) {
  const abort = new AbortController();
  void read(request, handlers, abort.signal).then((end) => {
    if (!abort.signal.aborted) handlers.end(end);
  });
  return { close: () => abort.abort() };
}

/**
 * @param {StreamRequest} request
 * @param {StreamHandlers} handlers
 * @param {AbortSignal} signal
 * @returns {Promise<StreamEnd>}
 */
async function read({ url, fetch }, handlers, signal) {
  let status = 0;
  try {
    const response = await fetch(url, {
      headers: { Accept: 'text/event-stream' },
      cache: 'no-store',
      credentials: 'omit',
      signal,
    });
    status = response.status;
    if (status === 204) return { why: 'ended', status };
    const content_type = response.headers.get('Content-Type') ?? '';
    if (status !== 200 || !response.body || !content_type.startsWith('text/event-stream')) {
      void response.body?.cancel();
      return { why: 'refused', status };
    }
    await readBody(response.body, handlers, signal);
  } catch {
    // A cut connection is the ordinary way for a stream to end; what to do about it is decided by the machine.
  }
  return { why: 'network', status };
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @param {StreamHandlers} handlers
 * @param {AbortSignal} signal
 */
async function readBody(body, handlers, signal) {
  const parser = createSseParser({
    // One chunk may hold many events, and the handler of one of them may close the stream.
    event: (event) => {
      if (!signal.aborted) handlers.event(event);
    },
    retry: handlers.retry,
  });
  // The parser takes care of the byte order mark, so the decoder must leave it in.
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done || signal.aborted) return;
      handlers.heard();
      parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    void reader.cancel().catch(() => {});
  }
}
