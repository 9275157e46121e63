import { Clock } from './clock.js';
import { Connection } from './connection.js';
import { Emitter } from './emitter.js';
import { SwardError, asSwardError } from './errors.js';
import { drawKey, drawNonce } from './nonce.js';
import { once } from './once.js';
import { retrying } from './retry.js';
import { RoomView } from './room-view.js';
import { Sender } from './sender.js';
import { isObject, textOr } from './shape.js';

/**
 * One player's session: the room, the messages, and what is heard. It outlives its connections.
 *
 * @typedef {object} JoinRequest what `POST /v1/join` takes; see docs/protocol.md
 * @property {string} [game]
 * @property {string} [code]
 * @property {string} [id] of a room that is known
 * @property {string} [pass] of an invitation or an accepted knock, with `id`
 * @property {boolean} [create]
 * @property {Record<string, unknown>} [filter]
 * @property {unknown} [me]
 * @property {{type: string, data?: unknown}} [will] what the relay says in one's name when one is gone
 * @property {string} [name]
 * @property {number} [max_players]
 * @property {boolean} [private]
 * @property {string} [password] what the room asks for; or of the room that is made
 * @property {Record<string, unknown>} [meta]
 * @property {Record<string, unknown>} [options]
 *
 * @typedef {object} SessionSetup
 * @property {import('./http.js').Http} http
 * @property {import('./transport-fetch.js').Transport} transport
 * @property {import('./connection.js').Credentials} credentials
 * @property {import('./stored-session.js').SessionStore | null} store
 * @property {boolean} batch whether the stream may bring several events as one
 */

/** How long `joined` may be behind the answer of the join. */
const JOINED_MS_MAX = 10_000;
const PONG_MS_MAX = 10_000;

export class Session {
  #http;
  #store;
  #emitter = new Emitter();
  #view = new RoomView();
  #connection;
  #sender;
  #name;
  /** @type {JoinRequest | null} */
  #last_join = null;
  /** The room whose seat went with the old session: its successor goes back there. @type {import('./room-view.js').Room | null} */
  #lost_room = null;
  #pings = 0;
  /** Joins and leaves so far: an older one is not tried again behind a newer one's back. */
  #moves = 0;
  /** What came before the page could listen; null from then on. @type {{name: string, data: unknown}[] | null} */
  #early = [];

  /** Server clock and round trip. */
  clock = new Clock();
  /** As the server spells the name. */
  player = { id: '', name: '' };
  /** The seat that the last `hello` told, until it is gone; `joined` follows when there is one. @type {{id: string, seat: number} | null} */
  seated = null;

  /** @param {SessionSetup} setup */
  constructor({ http, transport, credentials, store, batch }) {
    this.#http = http;
    this.#store = store;
    this.#name = credentials.name;
    const nonce = drawNonce();
    this.#connection = new Connection(http, transport, credentials, { nonce, batch }, {
      session: (welcome) => this.#adopt(welcome),
      hello: (hello) => this.#hello(hello),
      event: (name, data) => this.#receive(name, data),
      malformed: (name) => this.#emitter.emit('error', new SwardError('bad_event', `an event ${name} cannot be read`)),
      renewed: () => void this.#returnToRoom(),
      phase: (state) => this.#phase(state),
      stopped: (error) => this.#stopped(error),
    });
    this.#sender = new Sender(nonce, {
      post: (body) => http.postText('/v1/send', this.#connection.token, body),
      ack: () => this.#connection.last_id,
      heartbeat_ms: () => this.#connection.state.heartbeat_ms,
      answered: (elapsed_ms) => this.clock.roundTrip(elapsed_ms),
      session_gone: () => this.#connection.feed({ type: 'session_gone' }),
      // One failure may be that of many messages, so each is told in an error of its own.
      error: (error, message) =>
        this.#emitter.emit('error', Object.assign(new SwardError(error.code, error.detail, error), { message_type: message.type })),
    });
  }

  /** Begins to connect; `connect` in index.js awaits the first `hello`. */
  start() {
    this.#connection.start();
  }

  /**
   * Hands out what was held back. `connect` calls it when the page has had its turn: `hello` and `joined` often come
   * in one chunk, and nobody can listen before `connect` has returned.
   */
  deliver() {
    const early = this.#early ?? [];
    this.#early = null;
    for (const { name, data } of early) this.#receive(name, data);
  }

  /** The room one sits in, kept current; null outside of any. */
  get room() {
    return this.#view.room;
  }

  /** @returns {import('./machine.js').Phase} */
  get phase() {
    return this.#connection.state.phase;
  }

  /** The median round trip of the recent posts in ms; null before the first. */
  get rtt_ms() {
    return this.clock.rtt_ms;
  }

  /**
   * Listens to an event of the stream (`joined`, `here`, `gone`, `away`, `back`, `msg`, `chat`, `state`, `patch`,
   * `reset`, `noop`, …) or of the SDK: `status` when the connection's phase changes, `renewed` when a new session took
   * the place of one that ended, `error` for a message that failed without a request, `closed` at the end.
   *
   * @param {string} name
   * @param {(payload: any) => void} listener
   * @returns {() => void} unsubscribes
   */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /**
   * Takes a seat. Resolves when both the seat and the room's snapshot are here. While no answer comes it is asked for
   * again, for up to 20 s, unless another `join` or a `leave` comes in between.
   *
   * @param {JoinRequest} request
   * @returns {Promise<import('./room-view.js').Room>}
   * @throws {SwardError} `room_full`, `room_not_found`, `unknown_game`, …; `timeout` when no snapshot came
   */
  async join(request) {
    const room = await this.#join(request);
    this.#last_join = request;
    return room;
  }

  /** @returns {Promise<boolean>} whether there was a seat to leave */
  async leave() {
    this.#last_join = this.#lost_room = null;
    const seated = this.#view.room !== null;
    let tries = 0;
    const { left } = await this.#move(() => {
      tries += 1;
      return this.#call('/v1/leave', {});
    });
    // The answer to a second try does not know what the first one did.
    return left === true || (tries > 1 && seated);
  }

  /**
   * Sends a message to the room. It waits its turn, survives a lost connection and is applied once; if the server
   * refuses it, `error` is told.
   *
   * @param {string} type
   * @param {unknown} [data] JSON
   * @param {{to?: number | 'all', latest?: string, keep?: import('./upstream-queue.js').Keep}} [options] `to` one seat,
   *   in games that know it. `keep`: the relay keeps the data for who comes later. `latest` names a
   *   key: a newer message of that key replaces one that still waits, so that a slow network carries fewer and fresher
   *   positions instead of a queue of old ones.
   * @throws {SwardError} `queue_full`, `message_too_large`, `bad_payload`, `closed`
   */
  send(type, data, { to, latest, keep } = {}) {
    this.#refuseWhenClosed();
    this.#sender.push({ type, data, to, latest, keep, settle: undefined });
  }

  /**
   * Sends a message and awaits its one reply.
   *
   * @param {string} type
   * @param {unknown} [data]
   * @param {{to?: number | 'all', keep?: import('./upstream-queue.js').Keep}} [options]
   * @returns {Promise<unknown>} the game's answer, or null
   * @throws {SwardError} with the server's code when the message failed
   */
  async request(type, data, { to, keep } = {}) {
    this.#refuseWhenClosed();
    return new Promise((resolve, reject) => {
      this.#sender.push({
        type,
        data,
        to,
        keep,
        latest: undefined,
        settle: (answer) => ('error' in answer ? reject(answer.error) : resolve(answer.data)),
      });
    });
  }

  /**
   * @param {string} text
   * @returns {Promise<unknown>} resolves when the room has it
   */
  chat(text) {
    return this.request('chat', { scope: 'room', text });
  }

  /**
   * @param {boolean} away whether one is away from the keyboard; leaving the room ends it, nothing else does
   * @returns {Promise<unknown>} resolves when the room has it
   */
  setAway(away) {
    return this.request(away ? 'sward.away' : 'sward.back', null);
  }

  /** @returns {Promise<number>} ms from here to the server and back on the stream */
  async ping() {
    this.#pings += 1;
    const ping = this.#pings;
    const sent_ms = performance.now();
    const pong = once(this, 'pong', (payload) => isObject(payload.data) && payload.data.ping === ping, PONG_MS_MAX);
    await Promise.all([pong, this.request('sward.ping', { ping })]);
    return performance.now() - sent_ms;
  }

  /**
   * @param {string} route beginning with a slash
   * @param {Record<string, string>} [query]
   * @returns {string} the URL of a GET on this server, with the session's token in it: keep it to oneself
   */
  url(route, query) {
    return this.#http.url(route, { token: this.#connection.token, ...query });
  }

  /** Ends the session: the seat is free at once. */
  close() {
    this.#connection.feed({ type: 'close' });
  }

  #refuseWhenClosed() {
    if (this.phase === 'closed') throw new SwardError('closed', 'the session ended');
  }

  /** @param {import('./connection.js').Welcome} welcome */
  #adopt({ token, player, limits }) {
    this.player = player;
    this.#sender.queue.setLimits(limits);
    this.#store?.save({ token, name: this.#name ?? player.name });
  }

  /** @param {Record<string, unknown>} hello */
  #hello({ player, room, time_ms }) {
    if (isObject(player)) this.player = { id: textOr(player.id), name: textOr(player.name) };
    const seated = isObject(room) && typeof room.id === 'string' && typeof room.seat === 'number';
    this.seated = seated ? { id: /** @type {string} */ (room.id), seat: /** @type {number} */ (room.seat) } : null;
    if (typeof time_ms === 'number') this.clock.heard(time_ms, Date.now());
  }

  /**
   * @param {string} name
   * @param {unknown} data
   */
  #receive(name, data) {
    if (this.#early) {
      this.#early.push({ name, data });
      return;
    }
    if (name === 'noop' && isObject(data) && typeof data.time_ms === 'number') {
      this.clock.heard(data.time_ms, Date.now());
    }
    const { room } = this.#view;
    const seen = this.#view.apply(name, data);
    if (seen?.name === 'joined') this.#lost_room = null;
    if (seen?.name === 'gone' && !this.#view.room) this.#unseated(room, seen.payload);
    if (seen) this.#emitter.emit(seen.name, seen.payload);
    else if (seen === null) this.#emitter.emit('error', new SwardError('bad_event', `an event ${name} cannot be read`));
    this.#sender.poll();
  }

  /**
   * Lost is the seat of a session that ends: that is no wish to leave, and the new session sits down there again.
   *
   * @param {import('./room-view.js').Room | null} room
   * @param {any} gone
   */
  #unseated(room, { why, player }) {
    this.seated = null;
    if (room && player && why === 'lost') this.#lost_room = { ...room, players: new Map([[room.seat, player]]) };
    else this.#last_join = null;
  }

  /** @param {import('./machine.js').State} state */
  #phase({ phase, has_session, until_ms }) {
    if (phase === 'online') this.#sender.open();
    if (!has_session || phase === 'suspended') this.#sender.pause();
    this.#emitter.emit('status', { phase, retry_in_ms: phase === 'waiting' ? Math.max(0, until_ms - Date.now()) : 0 });
  }

  /** @param {SwardError} error */
  #stopped(error) {
    this.#sender.close(error);
    if (error.code !== 'replaced') this.#store?.clear();
    this.#emitter.emit('closed', error);
  }

  /** A new session sits nowhere: it goes back to the room of the old one, and the page is told how that went. */
  async #returnToRoom() {
    const room = this.#view.room ?? this.#lost_room;
    const request = this.#last_join;
    this.#view.room = this.#lost_room = null;
    this.#sender.restart();
    const outcome = { player: this.player, room: /** @type {unknown} */ (null), error: /** @type {unknown} */ (null) };
    if (room || request) {
      try {
        outcome.room = await this.#rejoin(room, request);
      } catch (error) {
        outcome.error = error;
      }
    }
    this.#sender.resume();
    this.#emitter.emit('renewed', outcome);
  }

  /**
   * The same room where it still exists; else, after a restart of the server, one like it. A private room that is gone
   * is not replaced by a public one.
   *
   * @param {import('./room-view.js').Room | null} room
   * @param {JoinRequest | null} request
   */
  async #rejoin(room, request) {
    const me = request?.me ?? room?.players.get(room.seat)?.me ?? null;
    if (room) {
      try {
        return await this.#join({ id: room.id, me, will: request?.will, password: request?.password });
      } catch (thrown) {
        const error = asSwardError(thrown);
        const replaceable = error.code === 'room_not_found' || error.code === 'room_full';
        if (!replaceable || room.private) throw error;
      }
    }
    if (request?.game) return this.#join(request);
    return this.#join({ game: room?.game ?? '', create: true, me });
  }

  /**
   * @param {JoinRequest} request
   * @returns {Promise<import('./room-view.js').Room>}
   */
  async #join({ id, ...request }) {
    const route = id === undefined ? '/v1/join' : `/v1/rooms/${encodeURIComponent(id)}/join`;
    const body = { ...request, key: drawKey() };
    const answer = await this.#move(() => this.#call(route, body));
    if (!isObject(answer.room) || typeof answer.room.id !== 'string') {
      throw new SwardError('bad_answer', 'the answer holds no room');
    }
    const room_id = answer.room.id;
    if (this.#view.room?.id !== room_id) {
      await once(this, 'joined', (joined) => joined.room.id === room_id, JOINED_MS_MAX);
    }
    return /** @type {import('./room-view.js').Room} */ (this.#view.room);
  }

  /**
   * A request that changes the seat, until it is answered. In another session or behind a newer one it makes no sense.
   *
   * @param {() => Promise<Record<string, unknown>>} send
   */
  #move(send) {
    this.#moves += 1;
    const move = this.#moves;
    const { token } = this.#connection;
    return retrying(send, () => move === this.#moves && token === this.#connection.token && this.phase !== 'closed');
  }

  /**
   * @param {string} route
   * @param {unknown} body
   */
  async #call(route, body) {
    this.#refuseWhenClosed();
    const sent_ms = performance.now();
    try {
      const answer = await this.#http.post(route, this.#connection.token, body);
      this.clock.roundTrip(performance.now() - sent_ms);
      return answer;
    } catch (thrown) {
      const error = asSwardError(thrown);
      if (error.status === 410) this.#connection.feed({ type: 'session_gone' });
      throw error;
    }
  }
}
