import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../sdk/index.js';
import { Server, next, turn } from './fake-server.js';

test('connect makes a session and opens its stream', async () => {
  const server = new Server();
  const session = await server.connect();
  assert.deepEqual(session.player, { id: 'p1', name: 'Zoë 🦊' });
  assert.equal(session.phase, 'online');
  const query = server.streams[0]?.searchParams;
  assert.equal(query?.get('token'), 't1');
  assert.equal(query?.has('last'), false);
  assert.ok((query?.get('n')?.length ?? 99) <= 32);
  session.close();
  assert.equal(server.calls.at(-1)?.route, '/v1/bye');
});

test('connect is refused with the server’s code', async () => {
  const server = new Server();
  server.routes['/v1/sessions'] = () => [422, { code: 'bad_name', detail: 'no' }];
  await assert.rejects(server.connect(), { code: 'bad_name', detail: 'no' });
});

test('connect gives up in time', async () => {
  const server = new Server();
  server.onStream = () => {};
  await assert.rejects(server.connect({ connect_ms: 20 }), { code: 'timeout' });
});

test('connect with a token alone ends when that session has ended', async () => {
  const server = new Server();
  server.onStream = () => server.end({ why: 'ended', status: 204 });
  await assert.rejects(connect({ url: 'http://sward.test', token: 'old', fetch: server.fetch, transport: server.transport }), {
    code: 'session_gone',
  });
});

test('join resolves with the room, whichever comes first, the answer or the event', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const joining = session.join({ game: 'meadow', create: true, me: { animal: 'fox' } });
  await turn();
  server.joined();
  const room = await joining;
  assert.deepEqual({ code: room.code, seat: room.seat, names: [...room.players.values()].map(({ name }) => name) }, { code: 'KXQZ', seat: 1, names: ['Zoë 🦊'] });
  const { key, ...body } = server.calls.at(-1)?.body;
  assert.deepEqual(body, { game: 'meadow', create: true, me: { animal: 'fox' } });
  assert.match(key, /^[0-9a-z]{32}$/);
  assert.equal(await session.join({ code: 'KXQZ' }), session.room);
  session.close();
});

test('events of the first chunk wait for those who listen after connect', async () => {
  const server = new Server();
  server.onStream = () => {
    server.hello({ id: 'r1', seat: 1 });
    server.joined();
  };
  const session = await server.connect();
  assert.deepEqual(session.seated, { id: 'r1', seat: 1 });
  const joined = await next(session, 'joined');
  assert.deepEqual(joined.state, { tick: 1 });
  session.close();
});

test('messages of one turn share a batch, and a request gets its reply', async () => {
  const server = new Server();
  const session = await server.connect();
  session.send('move', { x: 1 }, { latest: 'move' });
  session.send('move', { x: 2 }, { latest: 'move' });
  assert.equal(await session.request('pick', { flower: 0 }), null);
  const { body } = server.calls.at(-1) ?? { body: null };
  assert.equal(body.seq, 1);
  assert.deepEqual(body.msgs, [{ type: 'move', data: { x: 2 } }, { type: 'pick', data: { flower: 0 }, rid: 1 }]);
  session.close();
});

test('each message that is lost with its session is told in an error of its own', async () => {
  const server = new Server();
  const session = await server.connect();
  server.routes['/v1/send'] = () => [503, { code: 'room_slow', detail: '' }];
  /** @type {any[]} */
  const told = [];
  session.on('error', (error) => told.push(error));
  session.on('closed', (error) => told.push(error));
  session.send('first');
  session.send('second');
  await turn();
  session.close();
  assert.deepEqual(told.map(({ code, message_type }) => [code, message_type]), [['closed', 'first'], ['closed', 'second'], ['closed', undefined]]);
});

test('a request that fails rejects, and a message without one tells error', async () => {
  const server = new Server();
  const session = await server.connect();
  server.routes['/v1/send'] = () => [200, { ack: 2, replies: [{ i: 0, rid: 1, error: { code: 'too_far', detail: '' } }, { i: 1, error: { code: 'too_soon', detail: '' } }] }];
  const asked = session.request('pick', { flower: 0 });
  session.send('emote', { emote: 'wave' });
  const told = next(session, 'error');
  await assert.rejects(asked, { code: 'too_far' });
  assert.equal((await told).code, 'too_soon');
  session.close();
});

test('a session that the server forgot is replaced, and its room joined again', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const joining = session.join({ game: 'meadow', create: true, me: { animal: 'fox' } });
  await turn();
  server.joined();
  await joining;
  server.calls.length = 0;
  server.routes['/v1/rooms/r1/join'] = () => [404, { code: 'room_not_found', detail: '' }];
  const renewed = next(session, 'renewed');
  server.onStream = () => {
    server.hello(null);
    server.joined();
  };
  server.emitAs(null, 'bye', '{"code":3503,"reason":"session_unknown","retry_ms":0}');
  const { room, error } = await renewed;
  assert.equal(error, null);
  assert.equal(room.id, 'r1');
  assert.deepEqual(server.calls.map(({ route, token }) => [route, token]), [
    ['/v1/sessions', null],
    ['/v1/rooms/r1/join', 't2'],
    ['/v1/join', 't2'],
  ]);
  const { key, ...again } = server.calls.at(-1)?.body;
  assert.deepEqual(again, { game: 'meadow', create: true, me: { animal: 'fox' } });
  assert.notEqual(key, server.calls.at(-2)?.body.key, 'another request has another key');
  session.close();
});

for (const last_words of ['the bye alone', 'the own seat’s end and the bye']) {
  test(`a session that was lost for too long is replaced, told by ${last_words}`, async () => {
    const server = new Server();
    const session = await server.connect();
    await turn();
    const joining = session.join({ game: 'meadow', create: true, me: { animal: 'fox' } });
    await turn();
    server.joined();
    await joining;
    server.calls.length = 0;
    const renewed = next(session, 'renewed');
    server.onStream = () => {
      server.hello(null);
      server.joined();
    };
    if (last_words !== 'the bye alone') server.emit('gone', { seat: 1, why: 'lost' });
    server.emitAs(null, 'bye', '{"code":3501,"reason":"ended","retry_ms":60000}');
    const { room, error } = await renewed;
    assert.equal(error, null);
    assert.equal(room.id, 'r1');
    assert.deepEqual(server.calls.map(({ route, token }) => [route, token]), [
      ['/v1/sessions', null],
      ['/v1/rooms/r1/join', 't2'],
    ]);
    assert.equal(session.phase, 'online');
    session.close();
  });
}

test('the own player is not told to be lost', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  /** @type {string[]} */
  const heard = [];
  for (const name of ['away', 'back', 'error']) session.on(name, () => heard.push(name));
  server.joined();
  server.emit('away', { seat: 1, why: 'lost' });
  server.emit('back', { seat: 1 });
  assert.deepEqual(heard, []);
  session.close();
});

test('what was sent while the session was replaced arrives in the new one, after the room', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const joining = session.join({ game: 'meadow', create: true });
  await turn();
  server.joined();
  await joining;
  server.routes['/v1/send'] = () => [410, { code: 'session_gone', detail: '' }];
  server.onStream = () => {
    server.hello(null);
    server.joined();
  };
  const lost = session.request('first', null);
  const renewed = next(session, 'renewed');
  await assert.rejects(lost, { code: 'session_gone' });
  const kept = session.request('second', null);
  server.routes['/v1/send'] = ({ body }) => [200, { ack: 1, replies: [{ i: 0, rid: body.msgs[0].rid, data: 'heard' }] }];
  await renewed;
  assert.equal(await kept, 'heard');
  assert.equal(server.calls.at(-1)?.token, 't2');
  assert.equal(server.calls.at(-1)?.body.seq, 1);
  session.close();
});

test('one says oneself that one is away from the keyboard', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  server.routes['/v1/send'] = ({ body }) => [200, { ack: body.seq, replies: [{ i: 0, rid: body.msgs[0].rid, data: null }] }];
  await session.setAway(true);
  await session.setAway(false);
  const types = server.calls.filter(({ route }) => route === '/v1/send').map(({ body }) => body.msgs[0].type);
  assert.deepEqual(types, ['sward.away', 'sward.back']);
  session.close();
});

test('ping measures the way over the stream', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  server.routes['/v1/send'] = ({ body }) => {
    server.emit('pong', { data: body.msgs[0].data });
    return [200, { ack: 1, replies: [{ i: 0, rid: 1, data: null }] }];
  };
  assert.ok((await session.ping()) >= 0);
  assert.ok((session.rtt_ms ?? -1) >= 0);
  session.close();
});
