import { Cursor } from './cursor.js';
import { SwardError, asSwardError, isTransient } from './errors.js';
import { deadline, initialState, step } from './machine.js';
import { drawKey } from './nonce.js';
import { watchPageLife } from './page-life.js';
import { countOr, isCount, isObject, parseJson, textOr } from './shape.js';

/**
 * The machine's hands: it makes the session, opens the stream, keeps the timer and the token. It decides nothing.
 *
 * @typedef {object} Welcome what a made or resumed session is known by
 * @property {string} token
 * @property {{id: string, name: string}} player
 * @property {{batch_messages_max: number, batch_bytes_max: number}} limits
 *
 * @typedef {object} ConnectionHooks
 * @property {(welcome: Welcome) => void} session a session was made
 * @property {(hello: Record<string, unknown>) => void} hello
 * @property {(name: string, data: unknown) => void} event everything new on the stream but `hello` and `bye`
 * @property {(name: string) => void} malformed an event that could not be read
 * @property {() => void} renewed the session was replaced by a new one
 * @property {(state: import('./machine.js').State) => void} phase
 * @property {(error: SwardError) => void} stopped for good
 *
 * @typedef {object} Credentials
 * @property {string | null} token
 * @property {string | null} name
 */

/** A timer that sleeps with the machine must not oversleep the wall clock by more than this. */
const TICK_MS_MAX = 1_000;

/** How long the seat is kept for a page that unloads and may only be reloading. */
const RELOAD_MS = 5_000;

/** The name of the event that holds others: `[[name, data], …]`. */
const BATCH = 'batch';

export class Connection {
  #http;
  #transport;
  #credentials;
  #hooks;
  #state;
  #cursor = new Cursor();
  /** Of the session that is being made: the same until the server has answered. @type {string | null} */
  #session_key = null;
  /** @type {{close: () => void} | null} */
  #stream = null;
  #generation = 0;
  #connects = 0;
  /** The nonce of the newest stream: a new one for each. */
  #stream_nonce = '';
  #nonce;
  #batches;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #stopWatching = () => {};

  /**
   * @param {import('./http.js').Http} http
   * @param {import('./transport-fetch.js').Transport} transport
   * @param {Credentials} credentials
   * @param {{nonce: string, batch: boolean}} options the nonce of this page; whether events may come several as one
   * @param {ConnectionHooks} hooks
   */
  constructor(http, transport, credentials, { nonce, batch }, hooks) {
    this.#batches = batch;
    this.#http = http;
    this.#transport = transport;
    this.#credentials = { ...credentials };
    this.#nonce = nonce;
    this.#hooks = hooks;
    this.#state = initialState({ has_session: credentials.token !== null, can_renew: credentials.name !== null });
  }

  get state() {
    return this.#state;
  }

  get token() {
    return this.#credentials.token;
  }

  /** @returns {string | null} the last event that was handled */
  get last_id() {
    return this.#cursor.id;
  }

  start() {
    this.#stopWatching = watchPageLife((input) => this.feed(input));
    this.feed({ type: 'start' });
  }

  /** @param {import('./machine.js').Input} input */
  feed(input) {
    const before = this.#state;
    const now_ms = Date.now();
    const { state, actions } = step(before, input, now_ms, Math.random());
    this.#state = state;
    for (const action of actions) this.#act(action);
    this.#schedule(now_ms);
    if (state.phase !== before.phase) this.#hooks.phase(state);
  }

  /** @param {number} now_ms */
  #schedule(now_ms) {
    clearTimeout(this.#timer);
    const due_ms = deadline(this.#state);
    if (due_ms === null) return;
    const delay_ms = Math.min(TICK_MS_MAX, Math.max(0, due_ms - now_ms));
    this.#timer = setTimeout(() => this.feed({ type: 'tick' }), delay_ms);
  }

  /** @param {import('./machine.js').Action} action */
  #act(action) {
    switch (action) {
      case 'make_session':
        return void this.#makeSession();
      case 'open_stream':
        return this.#openStream();
      case 'close_stream':
        return this.#closeStream();
      case 'announce_renewal':
        return this.#hooks.renewed();
      case 'say_bye':
        return this.#sayBye(undefined);
      case 'say_bye_soon':
        return this.#sayBye(RELOAD_MS);
      case 'stop':
        return this.#stop();
    }
  }

  async #makeSession() {
    this.#generation += 1;
    const generation = this.#generation;
    this.#session_key ??= drawKey();
    const { name } = this.#credentials;
    try {
      const made = await this.#http.post('/v1/sessions', null, { name, version: 1, key: this.#session_key });
      if (generation !== this.#generation) return;
      const welcome = readWelcome(made);
      this.#session_key = null;
      this.#credentials.token = welcome.token;
      this.#cursor.clear();
      this.#hooks.session(welcome);
      this.feed({
        type: 'session_made',
        heartbeat_ms: countOr(made.heartbeat_ms, this.#state.heartbeat_ms),
        watchdog_ms: countOr(made.watchdog_ms, this.#state.watchdog_ms),
      });
    } catch (thrown) {
      if (generation !== this.#generation) return;
      const error = asSwardError(thrown);
      this.feed({
        type: 'session_refused',
        code: error.code,
        detail: error.detail,
        transient: isTransient(error),
        retry_after_ms: error.retry_after_ms,
      });
    }
  }

  #openStream() {
    this.#generation += 1;
    const generation = this.#generation;
    this.#connects += 1;
    this.#stream_nonce = `${this.#nonce}.${this.#connects}`;
    const url = this.#http.url('/v1/stream', {
      token: this.#credentials.token,
      last: this.#cursor.id,
      n: this.#stream_nonce,
      batch: this.#batches ? 1 : null,
    });
    /** @param {() => void} tell */
    const ifCurrent = (tell) => {
      if (generation === this.#generation) tell();
    };
    this.#stream = this.#transport(
      { url, fetch: this.#http.fetch },
      {
        heard: () => ifCurrent(() => this.feed({ type: 'heard' })),
        retry: (retry_ms) => ifCurrent(() => this.feed({ type: 'retry_hint', retry_ms })),
        event: (event) => ifCurrent(() => this.#receive(event)),
        end: ({ why, status }) => ifCurrent(() => this.feed({ type: 'stream_ended', why, status })),
      },
    );
  }

  #closeStream() {
    this.#generation += 1;
    this.#stream?.close();
    this.#stream = null;
  }

  /** @param {import('./sse-parser.js').SseEvent} event */
  #receive({ id, name, data }) {
    const value = parseJson(data);
    if (value === undefined || (name === BATCH && !isBatch(value))) return this.#hooks.malformed(name);
    if (!this.#cursor.accept(id)) return;
    if (name === BATCH) return this.#handOut(/** @type {[string, unknown][]} */ (value));
    if (name === 'hello') return this.#hello(value);
    if (name === 'bye') return this.#bye(value);
    this.#hooks.event(name, value);
  }

  /**
   * The batch's id is that of its last event, so all of it is new or all of it was seen. It is handed out to the end
   * whatever becomes of its stream meanwhile: nothing of it will come again.
   *
   * @param {[string, unknown][]} events
   */
  #handOut(events) {
    for (const [name, data] of events) {
      if (this.#state.phase === 'closed') return;
      this.#hooks.event(name, data);
    }
  }

  /** @param {unknown} value */
  #hello(value) {
    if (!isObject(value)) return this.#hooks.malformed('hello');
    this.#cursor.begin(value.last, value.resumed === true);
    this.#hooks.hello(value);
    this.feed({
      type: 'hello',
      heartbeat_ms: countOr(value.heartbeat_ms, this.#state.heartbeat_ms),
      watchdog_ms: countOr(value.watchdog_ms, this.#state.watchdog_ms),
    });
  }

  /** @param {unknown} value */
  #bye(value) {
    if (!isObject(value)) return this.#hooks.malformed('bye');
    this.feed({
      type: 'bye',
      code: countOr(value.code, 0),
      reason: textOr(value.reason, 'ended'),
      retry_ms: isCount(value.retry_ms) ? value.retry_ms : null,
    });
  }

  /** @param {number | undefined} wait_ms */
  #sayBye(wait_ms) {
    const { token } = this.#credentials;
    if (token === null) return;
    // With its stream's nonce a farewell that arrives after a reloaded page's stream does no harm.
    const n = wait_ms === undefined ? undefined : this.#stream_nonce;
    const url = this.#http.url('/v1/bye', { token, wait_ms, n });
    if (typeof navigator !== 'undefined' && typeof navigator.sendBeacon === 'function' && navigator.sendBeacon(url)) {
      return;
    }
    const { fetch } = this.#http;
    fetch(url, { method: 'POST', keepalive: true, credentials: 'omit' }).catch(() => {
      // The server notices by itself when the grace is over.
    });
  }

  #stop() {
    clearTimeout(this.#timer);
    this.#stopWatching();
    const { code, detail } = this.#state.closed ?? { code: 'closed', detail: '' };
    this.#hooks.stopped(new SwardError(code, detail));
  }
}

/**
 * @param {unknown} value
 * @returns {value is [string, unknown][]}
 */
function isBatch(value) {
  return Array.isArray(value) && value.every((item) => Array.isArray(item) && item.length >= 2 && typeof item[0] === 'string');
}

/**
 * @param {Record<string, unknown>} made
 * @returns {Welcome}
 */
function readWelcome({ token, player, limits }) {
  if (typeof token !== 'string' || !isObject(player)) {
    throw new SwardError('bad_answer', 'the answer holds no session', { status: 201 });
  }
  const bounds = isObject(limits) ? limits : {};
  return {
    token,
    player: { id: textOr(player.id), name: textOr(player.name) },
    limits: {
      batch_messages_max: Math.max(1, countOr(bounds.batch_messages_max, 100)),
      batch_bytes_max: Math.max(1_024, countOr(bounds.batch_bytes_max, 32_768)),
    },
  };
}
