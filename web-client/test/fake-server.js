import { connect } from '../sdk/index.js';

/**
 * The whole SDK against a server made of values: requests come in as text, events go out as objects.
 *
 * @typedef {import('../sdk/transport-fetch.js').StreamHandlers} StreamHandlers
 * @typedef {{route: string, token: string | null, body: any}} Call
 */

const ROOM = { id: 'r1', game: 'meadow', code: 'KXQZ', name: '', max_players: 50, players: 1, private: false, meta: {} };
const ME = { seat: 1, id: 'p1', name: 'Zoë 🦊', me: { animal: 'fox' }, away: false };

export class Server {
  /** @type {Call[]} */
  calls = [];
  /** @type {URL[]} */
  streams = [];
  /** @type {StreamHandlers | null} */
  #handlers = null;
  #seq = 0;
  #sessions = 0;
  /** What `hello` says under this name. @type {string | undefined} */
  last = undefined;
  /** @type {Record<string, (call: Call) => [number, unknown]>} */
  routes = {
    '/v1/sessions': ({ body }) => {
      this.#sessions += 1;
      const limits = { batch_messages_max: 100, batch_bytes_max: 32_768 };
      return [201, { token: `t${this.#sessions}`, player: { id: 'p1', name: body.name }, heartbeat_ms: 5_000, watchdog_ms: 15_000, limits }];
    },
    '/v1/join': () => [200, { room: ROOM, seat: 1 }],
    '/v1/rooms/r1/join': () => [200, { room: ROOM, seat: 1 }],
    '/v1/leave': () => [200, { left: true }],
    '/v1/bye': () => [200, {}],
    '/v1/send': ({ body }) => [200, { ack: 0, replies: body.msgs.flatMap((/** @type {any} */ { rid }, /** @type {number} */ i) => (rid ? [{ i, rid, data: null }] : [])) }],
  };

  /** @type {typeof globalThis.fetch} */
  fetch = async (input, init) => {
    const url = new URL(String(input));
    const body = typeof init?.body === 'string' ? JSON.parse(init.body) : null;
    const call = { route: url.pathname, token: url.searchParams.get('token'), body };
    this.calls.push(call);
    const [status, answer] = this.routes[url.pathname]?.(call) ?? [404, { code: 'not_found', detail: '' }];
    return new Response(JSON.stringify(answer), { status });
  };

  /** @type {import('../sdk/transport-fetch.js').Transport} */
  transport = ({ url }, handlers) => {
    this.streams.push(new URL(url));
    this.#handlers = handlers;
    setTimeout(() => this.onStream(), 0);
    return { close: () => {} };
  };

  /** What a stream begins with. */
  onStream = () => this.hello(null);

  /** @param {{id: string, seat: number} | null} room */
  hello(room) {
    const data = { epoch: 'aa', resumed: false, last: this.last, player: { id: 'p1', name: 'Zoë 🦊' }, room, time_ms: Date.now(), heartbeat_ms: 5_000, watchdog_ms: 15_000 };
    this.#handlers?.event({ id: null, name: 'hello', data: JSON.stringify(data) });
  }

  /** @param {string} name @param {unknown} data */
  emit(name, data) {
    this.#seq += 1;
    this.emitAs(`aa.${this.#seq}`, name, JSON.stringify(data));
  }

  /** @param {string | null} id @param {string} name @param {string} data */
  emitAs(id, name, data) {
    this.#handlers?.event({ id, name, data });
  }

  joined() {
    this.emit('joined', { room: ROOM, seat: 1, players: [ME], state: { tick: 1 } });
  }

  /** @param {import('../sdk/transport-fetch.js').StreamEnd} end */
  end(end) {
    this.#handlers?.end(end);
  }

  /** @param {Partial<import('../sdk/index.js').ConnectOptions>} [options] */
  connect(options = {}) {
    return connect({ url: 'http://sward.test', name: 'Zoë 🦊', fetch: this.fetch, transport: this.transport, ...options });
  }
}

/** @param {import('../sdk/index.js').Session} session @param {string} name @returns {Promise<any>} */
export const next = (session, name) =>
  new Promise((resolve) => {
    const unsubscribe = session.on(name, (payload) => {
      unsubscribe();
      resolve(payload);
    });
  });

export const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
