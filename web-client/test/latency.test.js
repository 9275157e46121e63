import assert from 'node:assert/strict';
import test from 'node:test';
import { Latency } from '../meadow/latency.js';

/**
 * @param {Latency} latency
 * @param {number} from_ms
 * @param {number} to_ms
 * @param {(now_ms: number) => number} elapsed
 * @returns {number[]} when pings were sent
 */
function run(latency, from_ms, to_ms, elapsed) {
  const sent = [];
  for (let now_ms = from_ms; now_ms <= to_ms; now_ms += 100) {
    const round = latency.begin(now_ms);
    if (round === null) continue;
    sent.push(now_ms);
    latency.heard(round, elapsed(now_ms));
  }
  return sent;
}

test('three pings within three seconds, then one every five', () => {
  const latency = new Latency();
  assert.equal(latency.begin(1e9), null, 'none before it is started');
  latency.restart(0);
  assert.deepEqual(run(latency, 0, 17_000, () => 10), [600, 1_300, 2_000, 2_700, 7_700, 12_700]);
});

test('nothing is told before three samples, and one slow start does not last', () => {
  const latency = new Latency();
  latency.restart(0);
  run(latency, 0, 1_900, () => 400);
  assert.equal(latency.median_ms, null);
  run(latency, 2_000, 2_000, () => 6);
  assert.equal(latency.median_ms, 400);
  run(latency, 2_100, 13_000, () => 5);
  assert.equal(latency.median_ms, 5);
  run(latency, 13_100, 40_000, () => 90);
  assert.equal(latency.median_ms, 90);
});

test('one ping at a time, and a failed one is not repeated at once', () => {
  const latency = new Latency();
  latency.restart(0);
  const round = latency.begin(600);
  assert.ok(round !== null);
  assert.equal(latency.begin(9_000), null);
  latency.failed(round, 10_000);
  assert.equal(latency.begin(14_900), null);
  assert.notEqual(latency.begin(15_000), null);
});

test('a ping from before a new connection is not counted', () => {
  const latency = new Latency();
  latency.restart(0);
  const old = latency.begin(600);
  assert.ok(old !== null);
  latency.restart(5_000);
  run(latency, 5_000, 6_300, () => 20);
  latency.heard(old, 9_000);
  assert.equal(latency.median_ms, null);
  run(latency, 6_400, 7_100, () => 20);
  assert.equal(latency.median_ms, 20);
});
