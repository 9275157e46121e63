/**
 * Reads values that came over the wire. A server may be newer, older or hostile: nothing is believed to have a type
 * before one of these has looked at it.
 */

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
export function isCount(value) {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/**
 * @param {unknown} value
 * @param {number} fallback
 */
export function countOr(value, fallback) {
  return isCount(value) ? value : fallback;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
export function textOr(value, fallback = '') {
  return typeof value === 'string' ? value : fallback;
}

/**
 * @param {string} text
 * @returns {unknown} undefined when the text is no JSON
 */
export function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
