import assert from 'node:assert/strict';
import test from 'node:test';
import { SwardError } from '../sdk/errors.js';
import { UpstreamQueue, WAITING_MAX } from '../sdk/upstream-queue.js';

const NOW_MS = 1_000_000;
const BEAT_MS = 5_000;

function queue() {
  const upstream = new UpstreamQueue('k7');
  let now_ms = NOW_MS;
  /** @type {{type: string, answer: unknown}[]} */
  const settled = [];
  /** @param {import('../sdk/upstream-queue.js').Outcome[]} outcomes */
  const note = (outcomes) => {
    for (const { message, answer } of outcomes) {
      settled.push({ type: message.type, answer: 'error' in answer ? answer.error.code : answer.data });
    }
  };
  return {
    upstream,
    settled,
    /** @param {number} ms */
    pass: (ms) => (now_ms += ms),
    /** @param {string} type @param {unknown} [data] @param {{to?: number | 'all', latest?: string}} [options] */
    send: (type, data, options = {}) =>
      upstream.push({ type, data, to: options.to, latest: options.latest, settle: undefined }),
    /** @param {string} type @param {unknown} [data] */
    ask: (type, data) => upstream.push({ type, data, to: undefined, latest: undefined, settle: () => {} }),
    /** @param {string | null} [ack] */
    next(ack = null) {
      const body = upstream.next(now_ms, ack, BEAT_MS);
      return body === null ? null : JSON.parse(body);
    },
    /** @param {Record<string, unknown>} [answer] */
    answer: (answer = { ack: 0, replies: [] }) => note(upstream.answered(answer)),
    /** @param {string} code @param {number} status @param {{retry_after_ms?: number, expected?: number}} [more] */
    fail: (code, status, more = {}) =>
      note(upstream.failed(new SwardError(code, '', { status, ...more }), now_ms, 0.5)),
    renew: () => note(upstream.restart(new SwardError('session_gone', ''))),
    clear: () => note(upstream.clear(new SwardError('closed', ''))),
    /** @param {string | null} [ack] */
    wakeIn: (ack = null) => {
      const wake_ms = upstream.wakeAt(now_ms, ack, BEAT_MS);
      return wake_ms === null ? null : wake_ms - now_ms;
    },
  };
}

/** @param {{msgs: {type: string}[]} | null} body */
const types = (body) => body?.msgs.map((message) => message.type);

test('messages go in order, one batch at a time, numbered from 1', () => {
  const q = queue();
  q.send('a', 1);
  q.send('b', undefined, { to: 3 });
  assert.deepEqual(q.next('e.5'), { src: 'k7', seq: 1, ack: 'e.5', msgs: [{ type: 'a', data: 1 }, { type: 'b', data: null, to: 3 }] });
  q.send('c');
  assert.equal(q.next(), null, 'one POST is under way');
  q.answer();
  const second = q.next();
  assert.equal(second.seq, 3);
  assert.deepEqual(types(second), ['c']);
});

test('a lost answer is asked for again with the same numbers', () => {
  const q = queue();
  q.send('a');
  const first = q.next();
  q.send('b');
  q.fail('network', 0);
  assert.equal(q.next(), null, 'not before the back-off is over');
  assert.equal(q.wakeIn(), 500);
  q.pass(500);
  assert.deepEqual(q.next(), first);
  q.answer();
  assert.equal(q.next().seq, 2);
});

test('429 and 503 are sent again after the time that the server names', () => {
  for (const [code, status] of /** @type {[string, number][]} */ ([['room_busy', 429], ['room_slow', 503]])) {
    const q = queue();
    q.send('a');
    const first = q.next();
    q.fail(code, status, { retry_after_ms: 250 });
    q.pass(249);
    assert.equal(q.next(), null);
    q.pass(1);
    assert.deepEqual(q.next(), first);
  }
});

test('a batch that is refused is dropped and reported, and its numbers are used again', () => {
  const q = queue();
  q.send('a');
  q.ask('b');
  q.next();
  q.fail('bad_json', 400);
  assert.deepEqual(q.settled, [{ type: 'a', answer: 'bad_json' }, { type: 'b', answer: 'bad_json' }]);
  q.send('c');
  assert.equal(q.next().seq, 1);
});

test('a gap is closed by sending again while the missing numbers are held', () => {
  const q = queue();
  q.send('a');
  const first = q.next();
  q.fail('gap', 409, { expected: 1 });
  q.pass(200);
  assert.deepEqual(q.next(), first);
});

test('a gap that never closes ends with a new count, not with a loop', () => {
  const q = queue();
  q.send('a');
  let tries = 0;
  for (let body = q.next(); body?.src === 'k7' && tries < 50; body = q.next()) {
    tries += 1;
    q.fail('gap', 409, { expected: 1 });
    q.pass(200);
  }
  assert.equal(tries, 6);
  assert.deepEqual(q.settled, [{ type: 'a', answer: 'gap' }]);
});

test('a gap below what is held begins a new count at once', () => {
  const q = queue();
  q.send('a');
  q.next();
  q.answer();
  q.send('b');
  q.next();
  q.fail('gap', 409, { expected: 1 });
  assert.deepEqual(q.settled, [{ type: 'b', answer: 'gap' }]);
  q.send('c');
  const { src, seq } = q.next();
  assert.deepEqual({ src, seq }, { src: 'k7.1', seq: 1 });
});

test('a newer message of a key replaces the one that waits, but not the one under way', () => {
  const q = queue();
  q.send('move', 1, { latest: 'move' });
  assert.deepEqual(q.next().msgs, [{ type: 'move', data: 1 }]);
  q.send('move', 2, { latest: 'move' });
  q.send('look', 1, { latest: 'look' });
  q.send('move', 3, { latest: 'move' });
  q.answer();
  assert.deepEqual(q.next().msgs, [{ type: 'look', data: 1 }, { type: 'move', data: 3 }]);
});

test('a newer message never passes one without a key', () => {
  const q = queue();
  q.send('move', 1, { latest: 'move' });
  q.send('pick', 0);
  q.send('move', 2, { latest: 'move' });
  q.send('move', 3, { latest: 'move' });
  assert.deepEqual(q.next().msgs.map((/** @type {any} */ m) => m.data), [1, 0, 3]);
});

test('each request gets its one reply, also when others fail', () => {
  const q = queue();
  q.ask('a');
  q.send('b');
  q.ask('c');
  q.send('d');
  q.ask('e');
  assert.deepEqual(q.next().msgs.map((/** @type {any} */ m) => m.rid), [1, undefined, 2, undefined, 3]);
  q.answer({
    ack: 5,
    replies: [
      { i: 0, rid: 1, data: { n: 1 } },
      { i: 1, error: { code: 'unknown_type', detail: '' } },
      { i: 2, rid: 2, error: { code: 'too_far', detail: '' } },
    ],
  });
  assert.deepEqual(q.settled, [
    { type: 'a', answer: { n: 1 } },
    { type: 'b', answer: 'unknown_type' },
    { type: 'c', answer: 'too_far' },
    { type: 'e', answer: 'no_reply' },
  ]);
});

test('a refusal that says when to try again says so to whoever asked', () => {
  const upstream = new UpstreamQueue('k7');
  upstream.push({ type: 'a', data: 1, to: undefined, latest: undefined, settle: () => {} });
  upstream.next(0, null, BEAT_MS);
  const error = { code: 'rate_limited', detail: '', retry_after_ms: 334 };
  const [outcome] = upstream.answered({ ack: 1, replies: [{ i: 0, rid: 1, error }] });
  assert.ok(outcome && 'error' in outcome.answer);
  assert.equal(outcome.answer.error.retry_after_ms, 334);
});

test('replies that make no sense settle nothing wrongly and do not throw', () => {
  for (const replies of [undefined, null, 7, [null, 1, { i: -1 }, { i: 99 }, { i: 'x' }, { i: 0, error: 5 }]]) {
    const q = queue();
    q.ask('a');
    q.next();
    q.answer({ replies });
    assert.equal(q.settled.length, 1);
  }
});

test('a batch holds at most the server’s number of messages and bytes', () => {
  const q = queue();
  for (let i = 0; i < 250; i += 1) q.send('n', i);
  const sizes = [];
  for (let body = q.next(); body; body = q.next()) {
    sizes.push(body.msgs.length);
    q.answer();
  }
  assert.deepEqual(sizes, [100, 100, 50]);
  for (let i = 0; i < 5; i += 1) q.send('big', 'ß'.repeat(7_000));
  let batches = 0;
  for (let body = q.upstream.next(NOW_MS, 'e.1', BEAT_MS); body; body = q.upstream.next(NOW_MS, 'e.1', BEAT_MS)) {
    batches += 1;
    assert.ok(Buffer.byteLength(body) <= 32_768);
    q.answer();
  }
  assert.equal(batches, 3);
});

test('what can never be sent is refused at once, and harms no other', () => {
  const q = queue();
  /** @type {Record<string, unknown>} */
  const circle = {};
  circle.self = circle;
  const half = '\ud83e';
  for (const [data, code] of /** @type {[unknown, string][]} */ ([
    ['x'.repeat(40_000), 'message_too_large'],
    [half, 'bad_payload'],
    [{ [half]: 1 }, 'bad_payload'],
    [circle, 'bad_payload'],
    [10n, 'bad_payload'],
  ])) {
    assert.throws(() => q.send('a', data), { code });
  }
  q.send('fine', '\\ud83e and \\\\ud83e and 🦊');
  assert.deepEqual(types(q.next()), ['fine']);
});

test('the queue is bounded, and a replaced message needs no place', () => {
  const q = queue();
  for (let i = 0; i < WAITING_MAX - 1; i += 1) q.send('n', i);
  q.send('move', 1, { latest: 'move' });
  assert.throws(() => q.send('n'), { code: 'queue_full' });
  q.send('move', 2, { latest: 'move' });
  assert.equal(q.upstream.length, WAITING_MAX);
});

test('soon after the start, and then after three silent beats, a bare ack goes', () => {
  const q = queue();
  assert.equal(q.next(), null);
  assert.equal(q.wakeIn(), 2_500);
  q.pass(2_500);
  assert.deepEqual(q.next(), { msgs: [] });
  q.answer();
  assert.equal(q.next(), null);
  assert.equal(q.wakeIn(), 15_000);
  q.pass(15_000);
  assert.deepEqual(q.next('e.9'), { ack: 'e.9', msgs: [] });
  q.answer();
  assert.equal(q.next('e.9'), null);
});

test('a bare ack that was lost is said again after the back-off, not three beats later', () => {
  const q = queue();
  q.next();
  q.pass(2_500);
  assert.deepEqual(q.next('e.1'), { ack: 'e.1', msgs: [] });
  q.fail('unavailable', 503, { retry_after_ms: 700 });
  assert.equal(q.wakeIn('e.1'), 700);
  q.pass(700);
  assert.deepEqual(q.next('e.1'), { ack: 'e.1', msgs: [] });
  q.answer();
  assert.equal(q.wakeIn('e.1'), 15_000);
});

test('while events arrive they are acknowledged every ten seconds', () => {
  const q = queue();
  q.next('e.1');
  q.pass(2_500);
  assert.deepEqual(q.next('e.1'), { ack: 'e.1', msgs: [] });
  q.answer();
  q.pass(9_999);
  assert.equal(q.next('e.8'), null);
  q.pass(1);
  assert.deepEqual(q.next('e.9'), { ack: 'e.9', msgs: [] });
});

test('a new session gets what waited, numbered anew, and not what was under way', () => {
  const q = queue();
  q.ask('under way');
  q.next();
  q.ask('waiting');
  q.upstream.hold();
  q.renew();
  assert.deepEqual(q.settled, [{ type: 'under way', answer: 'session_gone' }]);
  assert.equal(q.next(), null, 'the room comes first');
  q.upstream.release();
  const body = q.next();
  assert.deepEqual({ seq: body.seq, src: body.src }, { seq: 1, src: 'k7.1' });
  assert.deepEqual(types(body), ['waiting']);
});

test('at the end everybody is told', () => {
  const q = queue();
  q.ask('under way');
  q.next();
  q.send('waiting');
  q.clear();
  assert.deepEqual(q.settled.map(({ type }) => type), ['under way', 'waiting']);
  assert.equal(q.upstream.length, 0);
});
