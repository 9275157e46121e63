import assert from 'node:assert/strict';
import test from 'node:test';
import { Server, next, turn } from './fake-server.js';

/** What the page hears, and what is asked for again, while streams end and answers are lost. */

test('repeats and nonsense on the stream are passed over', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  /** @type {string[]} */
  const heard = [];
  const errors = [];
  session.on('msg', ({ type }) => heard.push(type));
  session.on('error', (error) => errors.push(error));
  server.emitAs('aa.7', 'msg', '{"from":0,"type":"a","data":1}');
  server.emitAs('aa.7', 'msg', '{"from":0,"type":"a","data":1}');
  server.emitAs('aa.6', 'msg', '{"from":0,"type":"old","data":1}');
  server.emitAs('aa.8', 'msg', 'not json');
  server.emitAs('aa.9', 'msg', '{"from":"x"}');
  server.emitAs('aa.10', 'later', '{"unknown":true}');
  server.emitAs('aa.11', 'msg', '{"from":0,"type":"b","data":1}');
  assert.deepEqual(heard, ['a', 'b']);
  assert.equal(errors.length, 2);
  session.close();
});

test('a cut stream is resumed from the last event', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  server.emitAs('aa.41', 'pong', '{"data":1}');
  server.emitAs(null, 'bye', '{"code":3001,"reason":"shutdown","retry_ms":0}');
  await next(session, 'status');
  while (server.streams.length < 2) await turn();
  const [first, second] = server.streams;
  assert.equal(second?.searchParams.get('last'), 'aa.41');
  assert.notEqual(second?.searchParams.get('n'), first?.searchParams.get('n'));
  session.close();
});

test('a rotated stream is followed by the next one without a word to the page', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  /** @type {unknown[]} */
  const seen = [];
  session.on('status', ({ phase }) => seen.push(phase));
  session.on('msg', ({ type }) => seen.push(type));
  server.emitAs('aa.41', 'msg', '{"from":0,"type":"before","data":1}');
  server.emitAs(null, 'bye', '{"code":3000,"reason":"rotated","retry_ms":80}');
  assert.equal(server.streams.length, 2, 'at once');
  assert.equal(server.streams[1]?.searchParams.get('last'), 'aa.41');
  await turn();
  server.emitAs('aa.42', 'msg', '{"from":0,"type":"after","data":1}');
  assert.deepEqual(seen, ['before', 'after']);
  assert.equal(session.phase, 'online');
  session.close();
});

test('a stream that was cut before its first event is resumed from where hello said that it begins', async () => {
  const server = new Server();
  server.last = 'aa.7';
  const session = await server.connect();
  await turn();
  server.emitAs('aa.7', 'msg', '{"from":0,"type":"seen","data":1}');
  server.emitAs(null, 'bye', '{"code":3001,"reason":"shutdown","retry_ms":0}');
  while (server.streams.length < 2) await turn();
  assert.equal(server.streams[1]?.searchParams.get('last'), 'aa.7');
  session.close();
});

test('a batch is taken apart, and applied whole or not at all', async () => {
  const server = new Server();
  const session = await server.connect();
  assert.equal(server.streams[0]?.searchParams.get('batch'), '1');
  await turn();
  /** @type {unknown[]} */
  const heard = [];
  session.on('msg', ({ type }) => heard.push(type));
  session.on('error', ({ code }) => heard.push(code));
  /** @param {string} id @param {...string} types */
  const batch = (id, ...types) => server.emitAs(id, 'batch', JSON.stringify(types.map((type) => ['msg', { from: 0, type, data: null }])));
  batch('aa.3', 'a', 'b', 'c');
  batch('aa.3', 'a', 'b', 'c');
  batch('aa.2', 'a', 'b');
  for (const malformed of ['{}', '[1]', '[["msg"]]', '[[1,{}]]', '[["msg",{"from":0,"type":"half","data":1}],null]']) {
    server.emitAs('aa.9', 'batch', malformed);
  }
  batch('aa.4');
  batch('aa.9', 'd');
  assert.deepEqual(heard, ['a', 'b', 'c', ...new Array(5).fill('bad_event'), 'd']);
  session.on('msg', () => session.close());
  batch('aa.11', 'e', 'f');
  assert.deepEqual(heard.slice(-2), ['d', 'e'], 'nothing is told after close');
});

test('single events come where batches are not wanted', async () => {
  const server = new Server();
  const session = await server.connect({ batch: false });
  assert.equal(server.streams[0]?.searchParams.has('batch'), false);
  session.close();
});

test('a lost answer is asked for again with the same key', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const { '/v1/join': join = () => /** @type {[number, unknown]} */ ([404, null]) } = server.routes;
  const failures = [() => { throw new TypeError('cut'); }, () => [502, '<html>'], () => [429, { code: 'room_busy', retry_after_ms: 1 }]];
  server.routes['/v1/join'] = (call) => /** @type {[number, unknown]} */ (failures.shift()?.() ?? join(call));
  server.joined();
  await session.join({ game: 'meadow' });
  const keys = server.calls.filter(({ route }) => route === '/v1/join').map(({ body }) => body.key);
  assert.equal(keys.length, 4);
  assert.equal(new Set(keys).size, 1);
  server.calls.length = 0;
  const gone = [() => { throw new TypeError('cut'); }];
  server.routes['/v1/leave'] = () => /** @type {[number, unknown]} */ (gone.shift()?.() ?? [200, { left: false }]);
  assert.equal(await session.leave(), true, 'the first try left');
  assert.equal(server.calls.length, 2);
  session.close();
});

test('what waiting does not cure is told at once', async () => {
  const server = new Server();
  const session = await server.connect();
  for (const [status, code] of /** @type {[number, string][]} */ ([[409, 'room_full'], [503, 'server_full'], [422, 'unknown_game']])) {
    server.calls.length = 0;
    server.routes['/v1/join'] = () => [status, { code, detail: '', retry_after_ms: 1 }];
    await assert.rejects(session.join({ game: 'meadow' }), { code });
    assert.equal(server.calls.length, 1, code);
  }
  session.close();
});

test('a join that nobody wants any more is not tried again', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const { '/v1/join': join = () => /** @type {[number, unknown]} */ ([404, null]) } = server.routes;
  server.routes['/v1/join'] = (call) => (call.body.game === 'old' ? [503, { code: 'room_slow', retry_after_ms: 30 }] : join(call));
  server.joined();
  const old = session.join({ game: 'old' });
  await session.join({ game: 'meadow' });
  await assert.rejects(old, { code: 'room_slow' });
  assert.deepEqual(server.calls.filter(({ route }) => route === '/v1/join').map(({ body }) => body.game), ['old', 'meadow']);
  session.close();
});

test('a session whose answer was lost is asked for again with the same key, and the next one with another', async () => {
  const server = new Server();
  const { '/v1/sessions': make = () => /** @type {[number, unknown]} */ ([404, null]) } = server.routes;
  const failures = [() => { throw new TypeError('cut'); }];
  server.routes['/v1/sessions'] = (call) => failures.shift()?.() ?? make(call);
  const random = Math.random;
  Math.random = () => 0;
  const session = await server.connect();
  Math.random = random;
  const renewed = next(session, 'renewed');
  server.emitAs(null, 'bye', '{"code":3503,"reason":"session_unknown","retry_ms":0}');
  await renewed;
  const [first, second, third] = server.calls.filter(({ route }) => route === '/v1/sessions').map(({ body }) => body.key);
  assert.match(first, /^[0-9a-z]{32}$/);
  assert.equal(second, first);
  assert.notEqual(third, first);
  session.close();
});

test('a stream that was replaced ends the session here, and nothing is tried again', async () => {
  const server = new Server();
  const session = await server.connect();
  const waiting = session.request('never', null);
  server.emitAs(null, 'bye', '{"code":3500,"reason":"replaced","retry_ms":0}');
  await assert.rejects(waiting, { code: 'replaced' });
  assert.equal(session.phase, 'closed');
  assert.throws(() => session.send('x'), { code: 'closed' });
  await assert.rejects(session.join({ game: 'meadow' }), { code: 'closed' });
  await turn();
  assert.equal(server.streams.length, 1);
});

