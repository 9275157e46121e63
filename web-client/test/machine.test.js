import assert from 'node:assert/strict';
import test from 'node:test';
import { OPEN_MS_MAX, TURN_MS_MIN, deadline, initialState, step } from '../sdk/machine.js';

/**
 * @typedef {import('../sdk/machine.js').State} State
 * @typedef {import('../sdk/machine.js').Input} Input
 */

const NOW_MS = 1_000_000;
const RANDOM = 0.5;

/** @param {Partial<State>} fields @returns {State} */
const state = (fields) => ({ ...initialState({ has_session: true, can_renew: true }), ...fields });

const idle = state({});
const newcomer = state({ has_session: false });
const making = state({ phase: 'making', has_session: false, since_ms: NOW_MS });
const renewing = state({ phase: 'making', has_session: false, renewing: true, since_ms: NOW_MS });
const opening = state({ phase: 'opening', since_ms: NOW_MS - 100, heard_ms: NOW_MS - 100 });
const online = state({ phase: 'online', since_ms: NOW_MS - 60_000, heard_ms: NOW_MS - 100, attempt: 3 });
const fresh = state({ phase: 'online', since_ms: NOW_MS - 1_000, heard_ms: NOW_MS - 100, attempt: 3 });
const silent = state({ phase: 'online', since_ms: NOW_MS - 60_000, heard_ms: NOW_MS - 15_000 });
const turning = { ...online, turning: true, turned_ms: NOW_MS - 100 };
const waiting = state({ phase: 'waiting', until_ms: NOW_MS + 700, attempt: 2 });
const suspended = state({ phase: 'suspended' });
const tokenOnly = state({ phase: 'online', can_renew: false, heard_ms: NOW_MS });
const closed = state({ phase: 'closed', closed: { code: 'ended', detail: '' } });

/** @type {(heartbeat_ms?: number) => Input} */
const made = (heartbeat_ms = 5_000) => ({ type: 'session_made', heartbeat_ms, watchdog_ms: 15_000 });
/** @type {(fields: Partial<Extract<Input, {type: 'session_refused'}>>) => Input} */
const refused = (fields) =>
  ({ type: 'session_refused', code: 'network', detail: '', transient: true, retry_after_ms: null, ...fields });
/** @type {(code: number, reason?: string, retry_ms?: number | null) => Input} */
const bye = (code, reason = 'x', retry_ms = 1_234) => ({ type: 'bye', code, reason, retry_ms });
/** @type {(why: 'ended' | 'refused' | 'network', status?: number) => Input} */
const ended = (why, status = 0) => ({ type: 'stream_ended', why, status });
/** @type {(network_changed: boolean) => Input} */
const wake = (network_changed) => ({ type: 'wake', network_changed });

/** @type {[string, State, Input, Partial<State>, import('../sdk/machine.js').Action[]][]} */
const TABLE = [
  ['starts with a session', newcomer, { type: 'start' }, { phase: 'making' }, ['make_session']],
  ['starts with the stream where there is a token', idle, { type: 'start' }, { phase: 'opening' }, ['open_stream']],
  ['does not start twice', online, { type: 'start' }, online, []],
  ['opens the stream of a new session', making, made(7_000), { phase: 'opening', has_session: true, heartbeat_ms: 7_000 }, ['open_stream']],
  ['announces a session that replaces another', renewing, made(), { phase: 'opening', renewing: false }, ['announce_renewal', 'open_stream']],
  ['ignores a second session', opening, made(), opening, []],
  ['stops when the session is refused for good', making, refused({ code: 'bad_name', transient: false }), { phase: 'closed', closed: { code: 'bad_name', detail: '' } }, ['close_stream', 'stop']],
  ['waits when the server is full', making, refused({ code: 'server_full', retry_after_ms: 900 }), { phase: 'waiting', until_ms: NOW_MS + 900, attempt: 1 }, []],
  ['backs off when nobody answers', making, refused({}), { phase: 'waiting', until_ms: NOW_MS + 500, attempt: 1 }, []],
  ['is online after hello', opening, { type: 'hello', heartbeat_ms: 6_000, watchdog_ms: 18_000 }, { phase: 'online', heartbeat_ms: 6_000, watchdog_ms: 18_000, heard_ms: NOW_MS }, []],
  ['remembers that something was heard', online, { type: 'heard' }, { heard_ms: NOW_MS }, []],
  ['remembers the retry hint, within reason', online, { type: 'retry_hint', retry_ms: 9e9 }, { retry_ms: 20_000 }, []],
  ['does not begin a back-off at nothing because a stream rotated', online, { type: 'retry_hint', retry_ms: 0 }, { retry_ms: 1_000 }, []],
  ['opens the next stream at once when one is rotated, online all the while', online, bye(3000, 'rotated', 80), { phase: 'online', since_ms: online.since_ms, turning: true, turned_ms: NOW_MS, heard_ms: NOW_MS, attempt: 3 }, ['close_stream', 'open_stream']],
  ['rotates a young stream too', fresh, bye(3000, 'rotated', 80), { phase: 'online', turning: true }, ['close_stream', 'open_stream']],
  ['has turned when the next stream says hello', turning, { type: 'hello', heartbeat_ms: 6_000, watchdog_ms: 18_000 }, { ...turning, turning: false, heartbeat_ms: 6_000, watchdog_ms: 18_000, heard_ms: NOW_MS }, []],
  ['does not turn in a circle', { ...online, turned_ms: NOW_MS - TURN_MS_MIN + 1 }, bye(3000, 'rotated', 0), { phase: 'waiting', until_ms: NOW_MS + 500, attempt: 1 }, ['close_stream']],
  ['turns again later', { ...online, turned_ms: NOW_MS - TURN_MS_MIN }, bye(3000, 'rotated', 0), { phase: 'online', turning: true }, ['close_stream', 'open_stream']],
  ['backs off when the next stream is rotated before its hello', turning, bye(3000, 'rotated', 0), { phase: 'waiting', turning: false, until_ms: NOW_MS + 500, attempt: 1 }, ['close_stream']],
  ['comes back as told when a first stream is rotated before its hello', opening, bye(3000, 'rotated', 80), { phase: 'waiting', until_ms: NOW_MS + 80 }, ['close_stream']],
  ['waits when there is no room for the next stream', turning, bye(3013, 'overloaded', 2_000), { phase: 'waiting', turning: false, until_ms: NOW_MS + 2_000 }, ['close_stream']],
  ['waits for the next stream', turning, { type: 'tick' }, turning, []],
  ['gives up a next stream that says nothing', { ...turning, turned_ms: NOW_MS - OPEN_MS_MAX }, { type: 'tick' }, { phase: 'waiting', turning: false, attempt: 1, until_ms: NOW_MS + 500 }, ['close_stream']],
  ['backs off when the next stream fails', turning, ended('network'), { phase: 'waiting', turning: false, until_ms: NOW_MS + 500, attempt: 1 }, ['close_stream']],
  ['renews when the session ended at the turn', turning, ended('ended', 204), { phase: 'making', turning: false, renewing: true }, ['close_stream', 'make_session']],
  ['opens anew on a new network at the turn', turning, wake(true), { phase: 'opening', turning: false }, ['close_stream', 'open_stream']],
  ['waits as told when a full server has no room for the stream', opening, bye(3013, 'overloaded', 2_500), { phase: 'waiting', until_ms: NOW_MS + 2_500, attempt: 1 }, ['close_stream']],
  ['backs off when a full server states no wish', { ...opening, attempt: 2 }, bye(3013, 'overloaded', null), { phase: 'waiting', until_ms: NOW_MS + 2_000, attempt: 3 }, ['close_stream']],
  ['takes up a doubled stream at once with another one', online, bye(3002, 'doubled', 300), { phase: 'online', turning: true, turned_ms: NOW_MS }, ['close_stream', 'open_stream']],
  ['backs off where a proxy doubles each request', { ...online, turned_ms: NOW_MS - 30 }, bye(3002, 'doubled', 0), { phase: 'waiting', until_ms: NOW_MS + 500 }, ['close_stream']],
  ['comes back when the server restarts', online, bye(3001, 'shutdown'), { phase: 'waiting', until_ms: NOW_MS + 1_234, attempt: 1 }, ['close_stream']],
  ['comes back after a doubled request', opening, bye(3002, 'doubled', 0), { phase: 'waiting', until_ms: NOW_MS }, ['close_stream']],
  ['comes back after being slow, with back-off where no wish is stated', fresh, bye(3008, 'slow', null), { phase: 'waiting', until_ms: NOW_MS + 4_000, attempt: 4 }, ['close_stream']],
  ['comes back after a code it does not know', online, bye(3499), { phase: 'waiting' }, ['close_stream']],
  ['treats a code outside of the ranges as a lost stream', online, bye(0), { phase: 'waiting' }, ['close_stream']],
  ['stops when replaced', online, bye(3500, 'replaced'), { phase: 'closed', closed: { code: 'replaced', detail: 'the server ended the stream (3500)' } }, ['close_stream', 'stop']],
  ['stops at the end of the last range', online, bye(3999, 'late'), { phase: 'closed' }, ['close_stream', 'stop']],
  ['makes a new session when the server knows none', opening, bye(3503, 'session_unknown'), { phase: 'making', has_session: false, renewing: true }, ['close_stream', 'make_session']],
  ['makes a new session when the old one was lost for too long', online, bye(3501, 'ended'), { phase: 'making', has_session: false, renewing: true, renewals: 1 }, ['close_stream', 'make_session']],
  ['waits when a session was over as soon as it was made', { ...fresh, renewals: 1 }, bye(3501, 'ended'), { phase: 'waiting', has_session: false, renewing: true, renewals: 2, until_ms: NOW_MS + 1_000 }, ['close_stream']],
  ['stops without a name when the session is over', tokenOnly, bye(3501, 'ended'), { phase: 'closed', closed: { code: 'session_gone', detail: 'the session ended' } }, ['close_stream', 'stop']],
  ['does not renew a session that the page ended', closed, bye(3501, 'ended'), closed, []],
  ['does not renew while the page is put away', suspended, bye(3501, 'ended'), suspended, []],
  ['makes a new session after 204', opening, ended('ended', 204), { phase: 'making', renewing: true }, ['close_stream', 'make_session']],
  ['makes a new session after 410', opening, ended('refused', 410), { phase: 'making', renewing: true }, ['close_stream', 'make_session']],
  ['makes a new session after 401', opening, ended('refused', 401), { phase: 'making', renewing: true }, ['close_stream', 'make_session']],
  ['makes a new session when a post is told that it is gone', online, { type: 'session_gone' }, { phase: 'making', renewing: true }, ['close_stream', 'make_session']],
  ['waits when sessions end as soon as they are made', { ...opening, renewals: 1 }, ended('ended', 204), { phase: 'waiting', has_session: false, renewing: true, renewals: 2, until_ms: NOW_MS + 1_000 }, ['close_stream']],
  ['renews at once after a steady stream', { ...online, renewals: 5 }, bye(3503), { phase: 'making', renewals: 1 }, ['close_stream', 'make_session']],
  ['is told only once that it is gone', renewing, { type: 'session_gone' }, renewing, []],
  ['stops without a name to make a new one', tokenOnly, { type: 'session_gone' }, { phase: 'closed', closed: { code: 'session_gone', detail: 'the session ended' } }, ['close_stream', 'stop']],
  ['backs off when the network fails, anew after a steady stream', online, ended('network'), { phase: 'waiting', until_ms: NOW_MS + 500, attempt: 1 }, ['close_stream']],
  ['backs off further when streams do not last', fresh, ended('network'), { phase: 'waiting', until_ms: NOW_MS + 4_000, attempt: 4 }, ['close_stream']],
  ['backs off when a proxy refuses', opening, ended('refused', 502), { phase: 'waiting', until_ms: NOW_MS + 500 }, ['close_stream']],
  ['ignores the end of a stream it gave up', waiting, ended('network'), waiting, []],
  ['waits until the time has come', waiting, { type: 'tick' }, waiting, []],
  ['tries again when the time has come', { ...waiting, until_ms: NOW_MS }, { type: 'tick' }, { phase: 'opening', attempt: 2 }, ['open_stream']],
  ['tries again when the wall clock was set back', { ...waiting, until_ms: NOW_MS + 3_600_000 }, { type: 'tick' }, { phase: 'opening' }, ['open_stream']],
  ['makes the session again after waiting for it', { ...waiting, has_session: false, until_ms: 0 }, { type: 'tick' }, { phase: 'making' }, ['make_session']],
  ['gives up a stream that says nothing', { ...opening, since_ms: NOW_MS - OPEN_MS_MAX }, { type: 'tick' }, { phase: 'waiting', attempt: 1 }, ['close_stream']],
  ['lets a stream speak that is alive', online, { type: 'tick' }, online, []],
  ['opens a new stream when the watchdog bites', silent, { type: 'tick' }, { phase: 'opening' }, ['close_stream', 'open_stream']],
  ['does not bite when the wall clock was set back', { ...online, heard_ms: NOW_MS + 5_000 }, { type: 'tick' }, { phase: 'online', heard_ms: NOW_MS }, []],
  ['does not sit out a back-off when the page wakes', waiting, wake(false), { phase: 'opening', attempt: 0 }, ['open_stream']],
  ['leaves a lively stream alone when the page wakes', online, wake(false), online, []],
  ['opens a new stream on a new network', online, wake(true), { phase: 'opening' }, ['close_stream', 'open_stream']],
  ['opens a new stream when the old one was silent in the sleep', { ...online, heard_ms: NOW_MS - 8_000 }, wake(false), { phase: 'opening' }, ['close_stream', 'open_stream']],
  ['comes back from the back/forward cache', suspended, wake(false), { phase: 'opening' }, ['open_stream']],
  ['says that it may be back when the page goes', online, { type: 'suspend' }, { phase: 'suspended' }, ['close_stream', 'say_bye_soon']],
  ['has nothing to say without a session', making, { type: 'suspend' }, { phase: 'suspended' }, ['close_stream']],
  ['does not open a stream for a page that was put away', { ...suspended, has_session: false }, made(), { phase: 'suspended', has_session: true }, []],
  ['does not renew for a page that was put away', suspended, { type: 'session_gone' }, { phase: 'suspended', has_session: false, renewing: true }, []],
  ['says bye when closed', online, { type: 'close' }, { phase: 'closed', closed: { code: 'closed', detail: 'closed by the page' } }, ['say_bye', 'close_stream', 'stop']],
  ['stays closed', closed, wake(true), closed, []],
];

for (const [name, before, input, expected, actions] of TABLE) {
  test(`the connection ${name}`, () => {
    const frozen = structuredClone(before);
    const result = step(before, input, NOW_MS, RANDOM);
    assert.deepEqual(before, frozen, 'the state that went in is not changed');
    assert.deepEqual(result.actions, actions);
    assert.deepEqual({ ...result.state, ...expected }, result.state);
  });
}

test('no state and input throw, and nothing follows the end', () => {
  const states = [idle, newcomer, making, renewing, opening, online, turning, silent, waiting, suspended, tokenOnly, closed];
  const inputs = TABLE.map((row) => row[2]);
  for (const before of states) {
    for (const input of inputs) {
      const { state: after, actions } = step(before, input, NOW_MS, RANDOM);
      if (before.phase === 'closed') assert.deepEqual(actions, []);
      if (actions.includes('open_stream')) assert.ok(after.phase === 'opening' || after.turning);
      if (after.turning) assert.equal(after.phase, 'online');
      if (actions.includes('make_session')) assert.equal(after.phase, 'making');
      assert.equal(actions.includes('stop'), after.phase === 'closed' && before.phase !== 'closed');
    }
  }
});

test('the deadline is when a tick would do something', () => {
  assert.equal(deadline(waiting), NOW_MS + 700);
  assert.equal(deadline(opening), opening.since_ms + OPEN_MS_MAX);
  assert.equal(deadline(online), online.heard_ms + 15_000);
  assert.equal(deadline(turning), turning.turned_ms + OPEN_MS_MAX);
  for (const quiet of [idle, making, suspended, closed]) assert.equal(deadline(quiet), null);
});
