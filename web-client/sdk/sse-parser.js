/**
 * Server-Sent Events, read incrementally (https://html.spec.whatwg.org/multipage/server-sent-events.html).
 *
 * It is pure: text in, events out. Text may be cut anywhere, also between a CR and its LF. An event that is not ended
 * by a blank line is never handed out, because half of it may be missing.
 *
 * @typedef {object} SseEvent
 * @property {string | null} id the `id` line of this very event; null when it had none
 * @property {string} name `message` when the event named none
 * @property {string} data
 */

/** `joined` is at most 1 MiB; a line far beyond that is no Sward server and must not eat the page's memory. */
export const EVENT_CHARS_MAX = 4 * 1024 * 1024;

/**
 * @param {object} handlers
 * @param {(event: SseEvent) => void} handlers.event
 * @param {(retry_ms: number) => void} handlers.retry
 */
export function createSseParser({ event, retry }) {
  let at_start = true;
  let skip_line_feed = false;
  let line_start = '';
  let chars = 0;
  /** @type {string | null} */
  let id = null;
  let name = '';
  /** @type {string[]} */
  let data = [];

  function dispatch() {
    if (data.length > 0) event({ id, name: name === '' ? 'message' : name, data: data.join('\n') });
    id = null;
    name = '';
    data = [];
    chars = 0;
  }

  /** @param {string} line */
  function readLine(line) {
    if (line === '') return dispatch();
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    let value = colon < 0 ? '' : line.slice(colon + 1);
    if (value.startsWith(' ')) value = value.slice(1);
    if (field === 'data') data.push(value);
    else if (field === 'event') name = value;
    else if (field === 'id' && !value.includes('\0')) id = value;
    else if (field === 'retry' && /^[0-9]+$/.test(value)) retry(Number(value));
  }

  return {
    /**
     * @param {string} chunk
     * @throws {RangeError} past `EVENT_CHARS_MAX`: the stream is unusable from here on
     */
    push(chunk) {
      if (chunk === '') return;
      let from = 0;
      if (at_start) {
        at_start = false;
        if (chunk.startsWith('\uFEFF')) from = 1;
      }
      chars += chunk.length;
      for (;;) {
        if (skip_line_feed && from < chunk.length) {
          skip_line_feed = false;
          if (chunk[from] === '\n') from += 1;
        }
        const end = lineEnd(chunk, from);
        if (end < 0) break;
        const line = line_start + chunk.slice(from, end);
        line_start = '';
        skip_line_feed = chunk[end] === '\r';
        from = end + 1;
        readLine(line);
      }
      line_start += chunk.slice(from);
      if (chars > EVENT_CHARS_MAX) throw new RangeError('an event of the stream is too large');
    },
  };
}

/**
 * @param {string} text
 * @param {number} from
 * @returns {number} where the next CR or LF is, or -1
 */
function lineEnd(text, from) {
  for (let i = from; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    if (unit === 10 || unit === 13) return i;
  }
  return -1;
}
