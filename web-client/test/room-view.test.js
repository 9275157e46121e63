import assert from 'node:assert/strict';
import test from 'node:test';
import { Cursor } from '../sdk/cursor.js';
import { RoomView } from '../sdk/room-view.js';

const JOINED = {
  room: { id: 'r1', game: 'meadow', code: 'KXQZ', name: '', max_players: 50, private: false, meta: {} },
  seat: 1,
  players: [{ seat: 1, id: 'p1', name: 'Zoë 🦊', me: { animal: 'fox' }, away: false }, { nonsense: true }, null],
  state: { tick: 1 },
};

test('the room is kept current by presence', () => {
  const view = new RoomView();
  view.apply('joined', JOINED);
  assert.deepEqual([...(view.room?.players.keys() ?? [])], [1]);
  view.apply('here', { seat: 2, id: 'p2', name: 'سارة', me: null });
  view.apply('away', { seat: 2, why: 'lost' });
  assert.equal(view.room?.players.get(2)?.away, true);
  const back = view.apply('back', { seat: 2 });
  assert.deepEqual(back?.payload, { seat: 2, player: view.room?.players.get(2) }, 'there is no why');
  assert.equal(view.room?.players.get(2)?.away, false);
  const gone = view.apply('gone', { seat: 2, why: 'left' });
  assert.equal(/** @type {any} */ (gone?.payload).player.name, 'سارة');
  assert.equal(view.room?.players.size, 1);
});

test('one’s own seat gone is the end of the room', () => {
  const view = new RoomView();
  view.apply('joined', JOINED);
  assert.equal(/** @type {any} */ (view.apply('gone', { seat: 1, why: 'closed' })?.payload).own, true);
  assert.equal(view.room, null);
});

test('what the game changes of the room is seen on it', () => {
  const view = new RoomView();
  view.apply('joined', JOINED);
  assert.equal(view.room?.locked, false);
  assert.deepEqual(view.apply('room', { locked: true }), { name: 'room', payload: { room: view.room } });
  view.apply('room', { meta: { map: 'dale' }, from: 'later' });
  assert.equal(view.room?.locked, true);
  assert.deepEqual(view.room?.meta, { map: 'dale' });
  view.apply('room', { phase: 'playing', owner: 2, name: 'Nest', max_players: 3 });
  assert.deepEqual([view.room?.phase, view.room?.owner, view.room?.name, view.room?.max_players], ['playing', 2, 'Nest', 3]);
  assert.equal(view.room?.locked, true, 'what is not told is as it was');
  const gone = view.apply('gone', { seat: 1, why: 'kicked', detail: 'three strikes' });
  assert.equal(/** @type {any} */ (gone?.payload).detail, 'three strikes');
  assert.equal(view.apply('room', { locked: false }), null, 'there is no room');
});

test('who is away for another reason than before is told again', () => {
  const view = new RoomView();
  const why = () => view.room?.players.get(2)?.why;
  view.apply('joined', { ...JOINED, players: [...JOINED.players, { seat: 2, id: 'p2', name: 'Bo', away: true, why: 'keyboard' }] });
  assert.equal(why(), 'keyboard', 'who comes later knows it too');
  assert.deepEqual(view.apply('away', { seat: 2, why: 'lost' })?.payload, { seat: 2, why: 'lost', player: view.room?.players.get(2) });
  assert.equal(why(), 'lost');
  view.apply('away', { seat: 2, why: 'keyboard' });
  assert.equal(why(), 'keyboard');
  view.apply('back', { seat: 2 });
  assert.deepEqual([view.room?.players.get(2)?.away, why()], [false, '']);
});

test('one’s own word of being away is heard, and kept while the connection comes and goes', () => {
  const view = new RoomView();
  view.apply('joined', JOINED);
  const own = () => view.room?.players.get(1);
  assert.deepEqual(view.apply('away', { seat: 1, why: 'keyboard' })?.payload, { seat: 1, why: 'keyboard', player: own() });
  assert.equal(view.apply('away', { seat: 1, why: 'lost' }), undefined);
  assert.equal(view.apply('away', { seat: 1, why: 'keyboard' }), undefined, 'he is back on the line, and was told');
  assert.deepEqual([own()?.away, own()?.why], [true, 'keyboard']);
  assert.deepEqual(view.apply('back', { seat: 1 })?.payload, { seat: 1, player: own() });
  assert.equal(own()?.away, false);
  view.apply('joined', { ...JOINED, players: [{ ...JOINED.players[0], away: true, why: 'keyboard' }] });
  assert.equal(own()?.away, true, 'a reloaded page knows it');
});

test('one is never lost to oneself', () => {
  const view = new RoomView();
  const joined = view.apply('joined', { ...JOINED, players: [{ ...JOINED.players[0], away: true, why: 'lost' }, { seat: 2, away: true, why: 'lost' }] });
  assert.deepEqual(/** @type {any} */ (joined?.payload).players.map((/** @type {any} */ { away }) => away), [false, true]);
  assert.equal(view.apply('away', { seat: 1, why: 'lost' }), undefined);
  assert.equal(view.room?.players.get(1)?.away, false);
  assert.equal(view.apply('back', { seat: 1 }), undefined);
});

test('malformed events are told apart and change nothing', () => {
  const view = new RoomView();
  view.apply('joined', JOINED);
  for (const name of ['joined', 'here', 'gone', 'away', 'back', 'msg', 'chat']) {
    for (const data of [null, 7, 'x', [], {}, { seat: '2' }, { seat: -1 }, { room: {}, seat: 'x', players: 5 }]) {
      assert.equal(view.apply(name, data), null, `${name} ${JSON.stringify(data)}`);
    }
  }
  assert.equal(view.room?.players.size, 1);
});

test('an event that was seen is skipped, and another epoch is new', () => {
  const cursor = new Cursor();
  assert.equal(cursor.accept('aa.5'), true);
  assert.equal(cursor.accept('aa.5'), false);
  assert.equal(cursor.accept('aa.4'), false);
  assert.equal(cursor.accept('aa.9'), true);
  assert.equal(cursor.accept('bb.1'), true);
  assert.equal(cursor.id, 'bb.1');
});

test('an event without an id, or with one that is none, is new and moves nothing', () => {
  const cursor = new Cursor();
  cursor.accept('aa.5');
  for (const id of [null, '', 'aa', 'aa.x', '../..', 'aa.5.6']) assert.equal(cursor.accept(id), true);
  assert.equal(cursor.id, 'aa.5');
  cursor.clear();
  assert.equal(cursor.id, null);
});
