import { SwardError } from './errors.js';
import { Http } from './http.js';
import { Session } from './session.js';
import { SessionStore } from './stored-session.js';
import { fetchTransport } from './transport-fetch.js';

/**
 * The browser SDK of Sward.
 *
 * ```js
 * const session = await connect({ url: location.origin, name: 'Zoë 🦊' });
 * const room = await session.join({ game: 'relay', create: true });
 * session.on('msg', ({ player, type, data }) => …);
 * session.send('wave', { at: [10, 20] });
 * ```
 */

export { Clock } from './clock.js';
export { SwardError } from './errors.js';
export { Timeline, Track } from './interpolation.js';
export { Session } from './session.js';

/**
 * @typedef {object} ConnectOptions
 * @property {string} [url] the server; the page's own origin unless told
 * @property {string} [name] makes a session of that name
 * @property {string} [token] takes up a session that exists. With a name as well, a new one is made when it has ended.
 * @property {boolean} [resume] keeps the session in this tab over a reload, and takes it up again
 * @property {string} [storage_key] where it is kept, when one page plays several games
 * @property {number} [connect_ms] how long to try, 20,000 unless told
 * @property {boolean} [batch] whether the stream may bring several events as one, with less to send and to parse; true
 *   unless told. The page sees single events either way.
 * @property {typeof globalThis.fetch} [fetch]
 * @property {import('./transport-fetch.js').Transport} [transport]
 */

const STORAGE_KEY = 'sward.session';
const CONNECT_MS = 20_000;

/**
 * Resolves when the stream has said `hello`: a session that can hear. `session.seated` then says whether it sits in a
 * room already, as it does after a reload.
 *
 * @param {ConnectOptions} options
 * @returns {Promise<Session>}
 * @throws {SwardError} `bad_name`, `server_full`, …; `session_gone` for a token that has ended; `timeout`
 */
export async function connect(options) {
  const store = options.resume ? new SessionStore(options.storage_key ?? STORAGE_KEY) : null;
  const stored = options.token === undefined ? (store?.load() ?? null) : null;
  const credentials = {
    token: options.token ?? stored?.token ?? null,
    name: options.name ?? stored?.name ?? null,
  };
  if (credentials.token === null && credentials.name === null) {
    throw new SwardError('bad_request', 'connect needs a name or a token');
  }
  const session = new Session({
    // An unbound fetch loses its receiver and throws in every browser.
    http: new Http(options.url ?? location.origin, options.fetch ?? globalThis.fetch.bind(globalThis)),
    transport: options.transport ?? fetchTransport,
    credentials,
    store,
    batch: options.batch ?? true,
  });
  await firstHello(session, options.connect_ms ?? CONNECT_MS);
  setTimeout(() => session.deliver(), 0);
  return session;
}

/**
 * Whether this tab holds a session from before a reload, so that a page can skip its start screen.
 *
 * @param {string} [storage_key]
 * @returns {{name: string} | null}
 */
export function storedSession(storage_key = STORAGE_KEY) {
  const stored = new SessionStore(storage_key).load();
  return stored ? { name: stored.name } : null;
}

/**
 * @param {Session} session
 * @param {number} within_ms
 * @returns {Promise<void>}
 */
function firstHello(session, within_ms) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      settle();
      session.close();
      reject(new SwardError('timeout', `the server was not reached within ${within_ms} ms`));
    }, within_ms);
    const unsubscribes = [
      session.on('status', ({ phase }) => {
        if (phase !== 'online') return;
        settle();
        resolve();
      }),
      session.on('closed', (error) => {
        settle();
        reject(error);
      }),
    ];
    function settle() {
      clearTimeout(timer);
      for (const unsubscribe of unsubscribes) unsubscribe();
    }
    session.start();
  });
}
