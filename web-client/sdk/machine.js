import { DELAY_BASE_MS, DELAY_MAX_MS, RETRY_MAX_MS, retryDelay } from './backoff.js';

/**
 * The life of one connection, as a pure state machine: what happened goes in, what to do comes out. It reads no clock,
 * draws no random number and touches no socket, so every path through it is one line of a table in the tests.
 *
 * @typedef {'idle' | 'making' | 'opening' | 'online' | 'waiting' | 'suspended' | 'closed'} Phase
 *   `making` a session, `opening` its stream, `online` after `hello`, `waiting` for the next try, `suspended` while
 *   the page is put away (it may come back from the back/forward cache).
 *
 * @typedef {object} State
 * @property {Phase} phase
 * @property {boolean} has_session
 * @property {boolean} can_renew whether a new session may replace one that ended: the name must be known
 * @property {boolean} renewing a session ended and its successor has not been made yet
 * @property {number} attempt failures in a row
 * @property {number} renewals sessions in a row that ended before a stream of theirs was steady
 * @property {boolean} turning in `online`: a stream was ended by the server for a successor, which has not said `hello`
 * @property {number} turned_ms when a stream was last ended so
 * @property {number} until_ms in `waiting`: when to try again
 * @property {number} since_ms when the phase began
 * @property {number} heard_ms when the stream last said anything
 * @property {number} heartbeat_ms
 * @property {number} watchdog_ms
 * @property {number | undefined} retry_ms the stream's own `retry:` hint, where back-off begins
 * @property {{code: string, detail: string} | null} closed why it ended for good
 *
 * @typedef {{type: 'start'}
 *   | {type: 'session_made', heartbeat_ms: number, watchdog_ms: number}
 *   | {type: 'session_refused', code: string, detail: string, transient: boolean, retry_after_ms: number | null}
 *   | {type: 'heard'}
 *   | {type: 'retry_hint', retry_ms: number}
 *   | {type: 'hello', heartbeat_ms: number, watchdog_ms: number}
 *   | {type: 'bye', code: number, reason: string, retry_ms: number | null}
 *   | {type: 'stream_ended', why: 'ended' | 'refused' | 'network', status: number}
 *   | {type: 'session_gone'}
 *   | {type: 'tick'}
 *   | {type: 'wake', network_changed: boolean}
 *   | {type: 'suspend'}
 *   | {type: 'close'}} Input
 *
 * @typedef {'make_session' | 'open_stream' | 'close_stream' | 'announce_renewal' | 'say_bye' | 'say_bye_soon' | 'stop'} Action
 *
 * @typedef {{state: State, actions: Action[]}} Step
 */

/** A stream that has not said `hello` by then is given up. */
export const OPEN_MS_MAX = 10_000;

/**
 * These streams end only for the next one to be opened at once: `rotated`, and `doubled` by a proxy. The session goes on
 * as if nothing had happened, so the page sees no change of phase.
 */
const BYES_TO_TURN = [3000, 3002];

/** A second such end within this is no rotation but a fault, and gets a back-off. */
export const TURN_MS_MIN = 250;

/** A stream that lived this long shows that connecting works: the next failure is the first of a new row. */
export const STEADY_MS = 10_000;

/**
 * The session is over, though this page did not end it: it was lost for too long, as behind a frozen phone, or the
 * server forgot it. A page that ends it itself hears no `bye`, because it closes the stream first.
 */
const BYES_TO_RENEW = [3501, 3503];

const HEARTBEAT_MS = 5_000;
const WATCHDOG_MS = 15_000;

/**
 * @param {{has_session: boolean, can_renew: boolean}} credentials
 * @returns {State}
 */
export function initialState({ has_session, can_renew }) {
  return {
    phase: 'idle',
    has_session,
    can_renew,
    renewing: false,
    attempt: 0,
    renewals: 0,
    turning: false,
    turned_ms: 0,
    until_ms: 0,
    since_ms: 0,
    heard_ms: 0,
    heartbeat_ms: HEARTBEAT_MS,
    watchdog_ms: WATCHDOG_MS,
    retry_ms: undefined,
    closed: null,
  };
}

/**
 * @param {State} state
 * @param {Input} input
 * @param {number} now_ms wall clock, because timers and monotonic clocks stand still while a phone sleeps
 * @param {number} random at least 0, below 1
 * @returns {Step}
 */
export function step(state, input, now_ms, random) {
  if (state.phase === 'closed') return { state, actions: [] };
  switch (input.type) {
    case 'start':
      return state.phase === 'idle' ? begin(state, now_ms, []) : { state, actions: [] };
    case 'session_made':
      return sessionMade(state, input, now_ms);
    case 'session_refused':
      return sessionRefused(state, input, now_ms, random);
    case 'heard':
      return { state: { ...state, heard_ms: now_ms }, actions: [] };
    case 'retry_hint':
      return retryHint(state, input);
    case 'hello':
      return hello(state, input, now_ms);
    case 'bye':
      return bye(state, input, now_ms, random);
    case 'stream_ended':
      return streamEnded(state, input, now_ms, random);
    case 'session_gone':
      return renew(state, now_ms, random);
    case 'tick':
      return tick(state, now_ms, random);
    case 'wake':
      return wake(state, input, now_ms);
    case 'suspend':
      return suspend(state, now_ms);
    case 'close':
      return stop(state, now_ms, 'closed', 'closed by the page', ['say_bye']);
  }
}

/**
 * @param {State} state
 * @returns {number | null} when the machine wants a `tick` at the latest
 */
export function deadline(state) {
  if (state.phase === 'waiting') return state.until_ms;
  if (state.phase === 'opening') return state.since_ms + OPEN_MS_MAX;
  if (state.turning) return state.turned_ms + OPEN_MS_MAX;
  if (state.phase === 'online') return state.heard_ms + state.watchdog_ms;
  return null;
}

/**
 * @param {State} state
 * @param {Phase} phase
 * @param {number} now_ms
 * @returns {State}
 */
function enter(state, phase, now_ms) {
  return { ...state, phase, turning: false, since_ms: now_ms };
}

/**
 * Takes the next step towards being online: the stream where there is a session, else a session.
 *
 * @param {State} state
 * @param {number} now_ms
 * @param {Action[]} before
 * @returns {Step}
 */
function begin(state, now_ms, before) {
  if (!state.has_session) return { state: enter(state, 'making', now_ms), actions: [...before, 'make_session'] };
  return { state: { ...enter(state, 'opening', now_ms), heard_ms: now_ms }, actions: [...before, 'open_stream'] };
}

/**
 * @param {State} state
 * @param {number} now_ms
 * @param {number} delay_ms
 * @param {Action[]} actions
 * @returns {Step}
 */
function wait(state, now_ms, delay_ms, actions) {
  const waiting = enter(state, 'waiting', now_ms);
  return { state: { ...waiting, attempt: state.attempt + 1, until_ms: now_ms + delay_ms }, actions };
}

/**
 * @param {State} state
 * @param {number} now_ms
 * @param {string} code
 * @param {string} detail
 * @param {Action[]} [before]
 * @returns {Step}
 */
function stop(state, now_ms, code, detail, before = []) {
  const closed = { ...enter(state, 'closed', now_ms), closed: { code, detail } };
  return { state: closed, actions: [...before, 'close_stream', 'stop'] };
}

/**
 * The session is over. With a name, a new one takes its place; the page goes back to its room in it. The first time
 * that is done at once; where sessions end as soon as they are made, each one waits longer.
 *
 * @param {State} state
 * @param {number} now_ms
 * @param {number} random
 * @returns {Step}
 */
function renew(state, now_ms, random) {
  if (!state.has_session) return { state, actions: [] };
  if (!state.can_renew) return stop(state, now_ms, 'session_gone', 'the session ended');
  const { renewals } = restIfSteady(state, now_ms);
  const ended = { ...state, has_session: false, renewing: true, attempt: 0, renewals: renewals + 1 };
  if (state.phase === 'suspended') return { state: ended, actions: [] };
  if (renewals > 0) return wait(ended, now_ms, retryDelay(null, renewals, random), ['close_stream']);
  return begin(ended, now_ms, ['close_stream']);
}

/**
 * @param {State} state
 * @param {{heartbeat_ms: number, watchdog_ms: number}} input
 * @param {number} now_ms
 * @returns {Step}
 */
function sessionMade(state, input, now_ms) {
  if (state.has_session) return { state, actions: [] };
  const { heartbeat_ms, watchdog_ms } = input;
  const made = { ...state, has_session: true, renewing: false, attempt: 0, heartbeat_ms, watchdog_ms };
  /** @type {Action[]} */
  const before = state.renewing ? ['announce_renewal'] : [];
  if (state.phase === 'suspended') return { state: made, actions: before };
  return begin(made, now_ms, before);
}

/**
 * @param {State} state
 * @param {{code: string, detail: string, transient: boolean, retry_after_ms: number | null}} input
 * @param {number} now_ms
 * @param {number} random
 * @returns {Step}
 */
function sessionRefused(state, input, now_ms, random) {
  if (state.phase !== 'making') return { state, actions: [] };
  if (!input.transient) return stop(state, now_ms, input.code, input.detail);
  return wait(state, now_ms, retryDelay(input.retry_after_ms, state.attempt, random, state.retry_ms), []);
}

/**
 * A stream that rotates asks for next to no wait, which is right for that once. A back-off that began there would hammer
 * a server that does not answer.
 *
 * @param {State} state
 * @param {{retry_ms: number}} input
 * @returns {Step}
 */
function retryHint(state, { retry_ms }) {
  return { state: { ...state, retry_ms: Math.min(Math.max(retry_ms, DELAY_BASE_MS), DELAY_MAX_MS) }, actions: [] };
}

/**
 * @param {State} state
 * @param {{heartbeat_ms: number, watchdog_ms: number}} input
 * @param {number} now_ms
 * @returns {Step}
 */
function hello(state, { heartbeat_ms, watchdog_ms }, now_ms) {
  const heard = { heard_ms: now_ms, heartbeat_ms, watchdog_ms };
  if (state.turning) return { state: { ...state, ...heard, turning: false }, actions: [] };
  if (state.phase !== 'opening') return { state, actions: [] };
  return { state: { ...enter(state, 'online', now_ms), ...heard }, actions: [] };
}

/**
 * @param {State} state
 * @param {{code: number, reason: string, retry_ms: number | null}} input
 * @param {number} now_ms
 * @param {number} random
 * @returns {Step}
 */
function bye(state, { code, reason, retry_ms }, now_ms, random) {
  if (state.phase !== 'opening' && state.phase !== 'online') return { state, actions: [] };
  if (BYES_TO_RENEW.includes(code)) return renew(state, now_ms, random);
  if (code >= 3500 && code <= 3999) return stop(state, now_ms, reason, `the server ended the stream (${code})`);
  if (BYES_TO_TURN.includes(code) && mayTurn(state, now_ms)) {
    return { state: { ...state, turning: true, turned_ms: now_ms, heard_ms: now_ms }, actions: ['close_stream', 'open_stream'] };
  }
  const rested = restIfSteady(state, now_ms);
  const wish_ms = BYES_TO_TURN.includes(code) && state.phase === 'online' ? null : retry_ms;
  return wait(rested, now_ms, retryDelay(wish_ms, rested.attempt, random, state.retry_ms), ['close_stream']);
}

/**
 * @param {State} state
 * @param {number} now_ms
 */
function mayTurn(state, now_ms) {
  return state.phase === 'online' && !state.turning && now_ms - state.turned_ms >= TURN_MS_MIN;
}

/**
 * @param {State} state
 * @param {{why: 'ended' | 'refused' | 'network', status: number}} input
 * @param {number} now_ms
 * @param {number} random
 * @returns {Step}
 */
function streamEnded(state, { why, status }, now_ms, random) {
  if (state.phase !== 'opening' && state.phase !== 'online') return { state, actions: [] };
  if (why === 'ended' || status === 401 || status === 410) return renew(state, now_ms, random);
  const rested = restIfSteady(state, now_ms);
  return wait(rested, now_ms, retryDelay(null, rested.attempt, random, state.retry_ms), ['close_stream']);
}

/**
 * @param {State} state
 * @param {number} now_ms
 * @param {number} random
 * @returns {Step}
 */
function tick(state, now_ms, random) {
  // A wall clock can be set back; then what was heard "in the future" was heard now.
  if (state.heard_ms > now_ms) {
    return { state: { ...state, heard_ms: now_ms, since_ms: now_ms, turned_ms: now_ms }, actions: [] };
  }
  if (state.phase === 'waiting') {
    const due = now_ms >= state.until_ms || state.until_ms - now_ms > RETRY_MAX_MS;
    return due ? begin(state, now_ms, []) : { state, actions: [] };
  }
  const asked_ms = state.turning ? state.turned_ms : state.since_ms;
  if ((state.phase === 'opening' || state.turning) && now_ms - asked_ms >= OPEN_MS_MAX) {
    const rested = restIfSteady(state, now_ms);
    return wait(rested, now_ms, retryDelay(null, rested.attempt, random, state.retry_ms), ['close_stream']);
  }
  if (state.phase === 'online' && now_ms - state.heard_ms >= state.watchdog_ms) {
    return begin(restIfSteady(state, now_ms), now_ms, ['close_stream']);
  }
  return { state, actions: [] };
}

/**
 * The page became visible, came back from the cache or has a network again: nobody wants to sit out a back-off then,
 * and a socket that survived the sleep without a sound is not to be trusted.
 *
 * @param {State} state
 * @param {{network_changed: boolean}} input
 * @param {number} now_ms
 * @returns {Step}
 */
function wake(state, { network_changed }, now_ms) {
  if (state.phase === 'waiting' || state.phase === 'suspended') return begin({ ...state, attempt: 0 }, now_ms, []);
  const silent = now_ms - state.heard_ms > state.heartbeat_ms * 1.5;
  if (state.phase === 'online' && (network_changed || silent)) return begin(state, now_ms, ['close_stream']);
  return { state, actions: [] };
}

/**
 * @param {State} state
 * @param {number} now_ms
 * @returns {Step}
 */
function suspend(state, now_ms) {
  if (state.phase === 'idle' || state.phase === 'suspended') return { state, actions: [] };
  /** @type {Action[]} */
  const actions = state.has_session ? ['close_stream', 'say_bye_soon'] : ['close_stream'];
  return { state: enter(state, 'suspended', now_ms), actions };
}

/**
 * @param {State} state
 * @param {number} now_ms
 * @returns {State}
 */
function restIfSteady(state, now_ms) {
  const steady = state.phase === 'online' && now_ms - state.since_ms >= STEADY_MS;
  return steady ? { ...state, attempt: 0, renewals: 0 } : state;
}
