import assert from 'node:assert/strict';
import test from 'node:test';
import { connect } from '../sdk/index.js';

/**
 * The whole SDK against a server made of values: requests come in as text, events go out as objects.
 *
 * @typedef {import('../sdk/transport-fetch.js').StreamHandlers} StreamHandlers
 * @typedef {{route: string, token: string | null, body: any}} Call
 */

const ROOM = { id: 'r1', game: 'meadow', code: 'KXQZ', name: '', max_players: 50, players: 1, private: false, meta: {} };
const ME = { seat: 1, id: 'p1', name: 'Zoë 🦊', me: { animal: 'fox' }, away: false };

class Server {
  /** @type {Call[]} */
  calls = [];
  /** @type {URL[]} */
  streams = [];
  /** @type {StreamHandlers | null} */
  #handlers = null;
  #seq = 0;
  #sessions = 0;
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
    const data = { epoch: 'aa', resumed: false, player: { id: 'p1', name: 'Zoë 🦊' }, room, time_ms: Date.now(), heartbeat_ms: 5_000, watchdog_ms: 15_000 };
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
const next = (session, name) =>
  new Promise((resolve) => {
    const unsubscribe = session.on(name, (payload) => {
      unsubscribe();
      resolve(payload);
    });
  });

const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

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
  assert.deepEqual(server.calls.at(-1), { route: '/v1/join', token: 't1', body: { game: 'meadow', create: true, me: { animal: 'fox' } } });
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
  assert.deepEqual(server.calls.at(-1)?.body, { game: 'meadow', create: true, me: { animal: 'fox' } });
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

test('the own player is not told to be away', async () => {
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
