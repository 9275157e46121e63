import assert from 'node:assert/strict';
import test from 'node:test';
import { Cursor } from '../sdk/cursor.js';

test('an event that is not above the last one was seen', () => {
  const cursor = new Cursor();
  const seen = ['aa.1', 'aa.3', 'aa.3', 'aa.2', null, 'aa.4', 'bb.1', 'aa.9', 'no id', 'aa.9'].map((id) => cursor.accept(id));
  assert.deepEqual(seen, [true, true, false, false, true, true, true, true, true, false]);
  assert.equal(cursor.id, 'aa.9');
  cursor.clear();
  assert.equal(cursor.id, null);
  assert.equal(cursor.accept('aa.1'), true);
});

test('the largest number below 2^53 is one, and no larger', () => {
  const cursor = new Cursor();
  assert.equal(cursor.accept('aa.9007199254740991'), true);
  assert.equal(cursor.accept('aa.9007199254740991'), false);
  assert.equal(cursor.accept('aa.9007199254740992'), true);
  assert.equal(cursor.id, 'aa.9007199254740991');
});

/** @type {[string, string | null, unknown, boolean, string | null][]} */
const TABLE = [
  ['begins where hello says', null, 'aa.0', false, 'aa.0'],
  ['begins there in a stream that is said to be resumed, too', null, 'aa.7', true, 'aa.7'],
  ['keeps its place when the stream is resumed', 'aa.9', 'aa.7', true, 'aa.9'],
  ['goes on behind what is lost', 'aa.9', 'aa.70', false, 'aa.70'],
  ['goes back where the server does', 'aa.90', 'aa.7', false, 'aa.7'],
  ['begins anew in another epoch', 'aa.90', 'bb.7', false, 'bb.7'],
  ['keeps its place where hello says nothing', 'aa.9', undefined, false, 'aa.9'],
  ['keeps its place where hello says nonsense', 'aa.9', { seq: 1 }, false, 'aa.9'],
];

for (const [name, before, last, resumed, after] of TABLE) {
  test(`the cursor ${name}`, () => {
    const cursor = new Cursor();
    cursor.accept(before);
    cursor.begin(last, resumed);
    assert.equal(cursor.id, after);
  });
}
