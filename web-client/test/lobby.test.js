import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { Emitter } from '../sdk/emitter.js';
import { watchLobby } from '../sdk/lobby.js';

/** A session that takes every request, and on which the test says what is heard. */
function fakeSession() {
  const emitter = new Emitter();
  /** @type {unknown[]} */
  const sent = [];
  const request = async (/** @type {string} */ type, /** @type {unknown} */ data) => {
    sent.push([type, data]);
    if (type === 'refused') throw new Error();
    return null;
  };
  const session = { on: emitter.on.bind(emitter), request };
  return { session: /** @type {any} */ (session), emitter, sent };
}

/** @type {{name: string, data: any}[]} */
const EVENTS = JSON.parse(
  readFileSync(new URL('../../protocol/tests/golden/stream.events.json', import.meta.url), 'utf8'),
);

test('a lobby is kept current from the server’s golden events', async () => {
  const { session, emitter, sent } = fakeSession();
  let changes = 0;
  const lobby = await watchLobby(session, 'meadow', () => (changes += 1));
  assert.deepEqual(sent, [['sward.lobby', { game: 'meadow' }]]);
  for (const { name, data } of EVENTS) emitter.emit(name, data);
  assert.equal(lobby.rooms.size, 1);
  assert.deepEqual([...lobby.players.values()].map((player) => player.name), ['Zoë 🦊']);
  assert.equal(lobby.counts.playing, 300);
  assert.equal(lobby.next, [...lobby.rooms.keys()][0]);
  const before = changes;
  const [room] = lobby.rooms.values();
  emitter.emit('lobby', { game: 'meadow', reset: false, rooms: [{ ...room, players: 9 }], closed: [], here: [], gone: [] });
  assert.equal([...lobby.rooms.values()][0]?.players, 9);
  emitter.emit('lobby', { game: 'meadow', rooms: [], closed: [room?.id], here: [], gone: [...lobby.players.keys()] });
  emitter.emit('lobby', { game: 'relay', rooms: [room] });
  emitter.emit('chat', { scope: 'lobby', game: 'meadow', text: 'hi' });
  emitter.emit('chat', { scope: 'server', text: 'not here' });
  assert.deepEqual([lobby.rooms.size, lobby.players.size, lobby.chat.at(-1)?.text], [0, 0, 'hi']);
  assert.equal(changes, before + 3);
  await lobby.leave();
  emitter.emit('lobby', { game: 'meadow', rooms: [room] });
  assert.equal(lobby.rooms.size, 0);
  assert.deepEqual(sent.at(-1), ['sward.lobby', { game: 'meadow', watch: false }]);
});

test('what is malformed changes nothing, and a refusal is the caller’s', async () => {
  const { session, emitter } = fakeSession();
  const lobby = await watchLobby(session, null, () => {});
  for (const data of [null, 7, [], { game: 'x' }, { rooms: 7, closed: {}, here: [1, { id: 2 }], counts: { online: 'many' } }]) {
    emitter.emit('lobby', data);
  }
  assert.deepEqual([lobby.rooms.size, lobby.players.size, lobby.counts], [0, 0, {}]);
  session.request = async () => {
    throw new Error('unknown_game');
  };
  await assert.rejects(watchLobby(session, 'chess', () => assert.fail('it is not watched')), /unknown_game/);
  emitter.emit('lobby', { game: 'chess', rooms: [] });
});
