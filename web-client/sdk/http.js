import { SwardError, asSwardError } from './errors.js';
import { isCount, isObject, parseJson, textOr } from './shape.js';

/**
 * Requests to one Sward server.
 *
 * The token travels in the query and the body as `text/plain`, because a header of our own or a JSON content type
 * would cost a page of another origin a preflight per request.
 */

/** An answer takes at most 5 s on the server's side (`room_slow`); past this the connection is taken for dead. */
export const ANSWER_MS_MAX = 15_000;

export class Http {
  #base;
  #fetch;

  /**
   * @param {string} base the server's origin, with the path it is mounted at where there is one
   * @param {typeof globalThis.fetch} fetch
   */
  constructor(base, fetch) {
    this.#base = base.replace(/\/+$/, '');
    this.#fetch = fetch;
  }

  /** @returns {typeof globalThis.fetch} */
  get fetch() {
    return this.#fetch;
  }

  /**
   * @param {string} route beginning with a slash
   * @param {Record<string, string | number | null | undefined>} [query] null and undefined are left out
   */
  url(route, query = {}) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      if (value !== null && value !== undefined) search.set(name, String(value));
    }
    const text = search.toString();
    return this.#base + route + (text === '' ? '' : `?${text}`);
  }

  /**
   * @param {string} route
   * @param {string | null} token
   * @param {unknown} body
   * @throws {SwardError}
   */
  post(route, token, body) {
    return this.postText(route, token, JSON.stringify(body));
  }

  /**
   * @param {string} route
   * @param {string | null} token
   * @param {string} body JSON
   * @returns {Promise<Record<string, unknown>>}
   * @throws {SwardError}
   */
  async postText(route, token, body) {
    const fetch = this.#fetch;
    let response;
    let text;
    try {
      response = await fetch(this.url(route, { token }), {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain;charset=UTF-8' },
        body,
        cache: 'no-store',
        credentials: 'omit',
        signal: AbortSignal.timeout(ANSWER_MS_MAX),
      });
      text = await response.text();
    } catch (error) {
      throw asSwardError(error);
    }
    const answer = parseJson(text);
    if (!response.ok) throw problem(response.status, answer);
    if (!isObject(answer)) {
      throw new SwardError('bad_answer', 'the answer is no JSON object', { status: response.status });
    }
    return answer;
  }
}

/**
 * @param {number} status
 * @param {unknown} answer problem+json where a Sward server wrote it, anything where a proxy did
 */
function problem(status, answer) {
  const fields = isObject(answer) ? answer : {};
  return new SwardError(textOr(fields.code, `http_${status}`), textOr(fields.detail, `status ${status}`), {
    status,
    retry_after_ms: isCount(fields.retry_after_ms) ? fields.retry_after_ms : null,
    expected: isCount(fields.expected) ? fields.expected : null,
  });
}
