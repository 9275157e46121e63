import { retryDelay } from './backoff.js';
import { SwardError, asSwardError, isTransient } from './errors.js';

/**
 * Sends a request again while its answer stays away. Only for requests that may be sent again: those with a `key`, and
 * those whose second time does nothing.
 */

/** Past this the page is told. */
export const RETRY_WITHIN_MS = 20_000;

const BASE_MS = 500;

/**
 * @template T
 * @param {() => Promise<T>} send
 * @param {() => boolean} wanted asked before each further try
 * @returns {Promise<T>}
 * @throws {SwardError} of the last try: one that waiting does not cure, or when the time is up or nobody wants it
 */
export async function retrying(send, wanted) {
  const until_ms = Date.now() + RETRY_WITHIN_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await send();
    } catch (thrown) {
      const error = asSwardError(thrown);
      const delay_ms = retryDelay(error.retry_after_ms, attempt, Math.random(), BASE_MS);
      if (!isCurable(error) || Date.now() + delay_ms >= until_ms) throw error;
      await new Promise((resolve) => setTimeout(resolve, delay_ms));
      if (!wanted()) throw error;
    }
  }
}

/**
 * A full server stays full for longer than a player looks at a button.
 *
 * @param {SwardError} error
 */
function isCurable(error) {
  return isTransient(error) && error.code !== 'server_full';
}
