import { SwardError } from './errors.js';

/**
 * Awaits one event of a session.
 *
 * @param {import('./session.js').Session} session
 * @param {string} name
 * @param {(payload: any) => boolean} matches
 * @param {number} within_ms
 * @returns {Promise<any>}
 * @throws {SwardError} `timeout`, or why the session closed
 */
export function once(session, name, matches, within_ms) {
  return new Promise((resolve, reject) => {
    const settle = () => {
      clearTimeout(timer);
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
    const timer = setTimeout(() => {
      settle();
      reject(new SwardError('timeout', `no ${name} came within ${within_ms} ms`));
    }, within_ms);
    const unsubscribes = [
      session.on(name, (payload) => {
        if (!matches(payload)) return;
        settle();
        resolve(payload);
      }),
      session.on('closed', (error) => {
        settle();
        reject(error);
      }),
    ];
  });
}
