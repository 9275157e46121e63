import assert from 'node:assert/strict';
import test from 'node:test';
import { Timeline, Track } from '../sdk/interpolation.js';

test('between two positions the way is straight and the speed known', () => {
  const track = new Track(50);
  track.push(1_000, 0, 0);
  track.push(1_050, 12, -6);
  assert.deepEqual(track.at(1_025), { x: 6, y: -3, dx: 240, dy: -120 });
});

test('before the first and after the last position it stands still', () => {
  const track = new Track(50);
  assert.deepEqual(track.at(5), { x: 0, y: 0, dx: 0, dy: 0 });
  track.push(1_000, 3, 4);
  track.push(1_050, 5, 6);
  assert.deepEqual(track.at(900), { x: 3, y: 4, dx: 0, dy: 0 });
  assert.deepEqual(track.at(2_000), { x: 5, y: 6, dx: 0, dy: 0 });
});

test('after a rest it starts from where it stood, not creeping all the while', () => {
  const track = new Track(50);
  track.push(0, 0, 0);
  track.push(10_000, 12, 0);
  assert.equal(track.at(9_900).x, 0);
  assert.equal(track.at(9_975).x, 6);
});

test('a position that is not newer corrects the last one', () => {
  const track = new Track(50);
  track.push(100, 1, 1);
  track.push(100, 2, 2);
  track.push(50, 3, 3);
  assert.deepEqual(track.at(200), { x: 3, y: 3, dx: 0, dy: 0 });
});

test('the playhead follows the fastest patch and ignores the late ones', () => {
  const timeline = new Timeline(50);
  timeline.heard(10, 1_020);
  timeline.heard(11, 1_300);
  timeline.heard(12, 1_125);
  assert.equal(timeline.playhead(2_000, 120), 2_000 - 520 - 120);
  assert.equal(timeline.timeOf(12), 600);
});
