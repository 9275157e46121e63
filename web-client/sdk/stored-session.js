import { isObject, parseJson } from './shape.js';

/**
 * The session of this tab, kept over a reload, so that the player keeps the seat. `sessionStorage` belongs to one tab;
 * `localStorage` would have all tabs fight over one stream.
 *
 * @typedef {{token: string, name: string}} StoredSession
 */
export class SessionStore {
  #key;

  /** @param {string} key */
  constructor(key) {
    this.#key = key;
  }

  /** @returns {StoredSession | null} */
  load() {
    try {
      const stored = parseJson(globalThis.sessionStorage?.getItem(this.#key) ?? '');
      if (!isObject(stored) || typeof stored.token !== 'string' || typeof stored.name !== 'string') return null;
      return { token: stored.token, name: stored.name };
    } catch {
      return null;
    }
  }

  /** @param {StoredSession} session */
  save(session) {
    try {
      globalThis.sessionStorage?.setItem(this.#key, JSON.stringify(session));
    } catch {
      // Storage may be switched off or full. Then a reload costs the seat, and nothing else.
    }
  }

  clear() {
    try {
      globalThis.sessionStorage?.removeItem(this.#key);
    } catch {
      // As above.
    }
  }
}
