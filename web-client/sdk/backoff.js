/**
 * How long to wait before the next try: full jitter, so that a thousand players whose server restarted come back
 * spread out and not as one wave.
 */

export const DELAY_BASE_MS = 1_000;
export const DELAY_MAX_MS = 20_000;

/** The longest wait that a server may ask for; a wrong number must not park a player for a day. */
export const RETRY_MAX_MS = 60_000;

/**
 * @param {number} attempt tries that failed in a row before this one, from 0
 * @param {number} random at least 0, below 1
 * @param {number} [base_ms] the server's `retry:` hint, where it gave one
 * @returns {number} milliseconds
 */
export function backoffDelay(attempt, random, base_ms = DELAY_BASE_MS) {
  const ceiling_ms = Math.min(DELAY_MAX_MS, base_ms * 2 ** Math.min(attempt, 16));
  return Math.round(random * ceiling_ms);
}

/**
 * The server's own wish where it stated one (it has already spread it), else full jitter.
 *
 * @param {number | null | undefined} retry_ms
 * @param {number} attempt
 * @param {number} random
 * @param {number} [base_ms]
 */
export function retryDelay(retry_ms, attempt, random, base_ms) {
  if (typeof retry_ms === 'number' && Number.isFinite(retry_ms) && retry_ms >= 0) {
    return Math.min(retry_ms, RETRY_MAX_MS);
  }
  return backoffDelay(attempt, random, base_ms);
}
