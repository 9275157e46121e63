/** @returns {string} 17 characters that no other page draws; not digits alone, which the server takes for a number */
export function drawNonce() {
  return `k${drawText(8)}`;
}

/**
 * The `key` of a request that may have to be sent again: the server gives the same key the first answer. That of a new
 * session is as good as the session's token, so nobody may guess it.
 *
 * @returns {string} 32 random characters
 */
export function drawKey() {
  return drawText(16);
}

/** @param {number} bytes */
function drawText(bytes) {
  const random = crypto.getRandomValues(new Uint8Array(bytes));
  return Array.from(random, (byte) => byte.toString(36).padStart(2, '0')).join('');
}
