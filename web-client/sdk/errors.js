/**
 * The one kind of error that the SDK hands out.
 *
 * `code` is what a program acts on. It is the server's own code (`room_full`, `bad_name`, …, listed in docs/protocol.md)
 * or one of the SDK's: `network` (no answer came), `bad_answer` (something that is no Sward server answered),
 * `closed` (the session ended here), `timeout`, `queue_full`, `message_too_large`, `no_reply`.
 */
export class SwardError extends Error {
  /**
   * @param {string} code
   * @param {string} detail for people
   * @param {{status?: number, retry_after_ms?: number | null, expected?: number | null}} [more]
   */
  constructor(code, detail, more = {}) {
    super(`${code}: ${detail}`);
    this.name = 'SwardError';
    this.code = code;
    this.detail = detail;
    /** HTTP status of the answer, 0 when there was none. */
    this.status = more.status ?? 0;
    /** How long the server asks to wait before the same is tried again, or null. */
    this.retry_after_ms = more.retry_after_ms ?? null;
    /** With the code `gap`: the number that the server wants next. */
    this.expected = more.expected ?? null;
  }
}

/**
 * @param {unknown} thrown
 * @returns {SwardError}
 */
export function asSwardError(thrown) {
  if (thrown instanceof SwardError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  return new SwardError('network', detail);
}

/**
 * Whether the very same request may succeed later. Anything else is answered the same way for ever.
 *
 * @param {SwardError} error
 */
export function isTransient(error) {
  if (error.code === 'network' || error.code === 'bad_answer') return true;
  return error.status === 408 || error.status === 425 || error.status === 429 || error.status >= 500;
}
