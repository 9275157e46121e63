import assert from 'node:assert/strict';
import test from 'node:test';
import { DELAY_MAX_MS, RETRY_MAX_MS, backoffDelay, retryDelay } from '../sdk/backoff.js';

test('the ceiling doubles with every failure and stops at the maximum', () => {
  assert.deepEqual([0, 1, 2, 3].map((attempt) => backoffDelay(attempt, 0.5)), [500, 1000, 2000, 4000]);
  assert.equal(backoffDelay(50, 0.999999), DELAY_MAX_MS);
  assert.equal(backoffDelay(50, 0), 0);
});

test('the stream’s hint is where the ceiling begins', () => {
  assert.equal(backoffDelay(0, 0.5, 3_000), 1_500);
});

test('the server’s own wish goes before ours, within reason', () => {
  assert.equal(retryDelay(1_234, 5, 0.5), 1_234);
  assert.equal(retryDelay(0, 5, 0.5), 0);
  assert.equal(retryDelay(86_400_000, 5, 0.5), RETRY_MAX_MS);
});

test('a wish that is no number is none', () => {
  for (const wish of [null, undefined, NaN, -1, Infinity]) assert.equal(retryDelay(wish, 0, 0.5), 500);
});
