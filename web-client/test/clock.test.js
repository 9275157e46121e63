import assert from 'node:assert/strict';
import test from 'node:test';
import { Clock } from '../sdk/clock.js';

test('the offset comes from the event with the smallest delay', () => {
  const clock = new Clock();
  clock.heard(10_000, 5_300);
  clock.heard(11_000, 6_020);
  clock.heard(12_000, 7_900);
  assert.equal(clock.offset_ms, 4_980);
  clock.roundTrip(60);
  clock.roundTrip(40);
  assert.equal(clock.offset_ms, 5_000);
  assert.equal(clock.serverNow(1_000), 6_000);
});

test('the round trip is the median of the recent ones', () => {
  const clock = new Clock();
  assert.equal(clock.rtt_ms, null);
  for (const elapsed_ms of [50, 5_000, 40, 45, 60]) clock.roundTrip(elapsed_ms);
  assert.equal(clock.rtt_ms, 50);
});

test('numbers that are none are not heard', () => {
  const clock = new Clock();
  clock.heard(NaN, 5);
  clock.roundTrip(-5);
  assert.equal(clock.offset_ms, 0);
  assert.equal(clock.rtt_ms, null);
});
