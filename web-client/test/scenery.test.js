import assert from 'node:assert/strict';
import test from 'node:test';
import { isInWater, makeScenery } from '../meadow/view/scenery.js';

test('each part of a field has a pond, none of them over the path or the edge', () => {
  for (const [width, height, most] of /** @type {[number, number, number][]} */ ([[400, 400, 1], [2_400, 1_600, 1], [4_800, 3_200, 4], [100_000, 100_000, 24]])) {
    const { ponds, pathY } = makeScenery(width, height);
    assert.ok(ponds.length > 0 && ponds.length <= most, `${ponds.length} ponds on ${width} × ${height}`);
    for (const { x, y, rx, ry } of ponds) {
      assert.ok(x > rx && x < width - rx && y > ry && y < height - ry, `${x}, ${y}`);
      assert.equal(isInWater(ponds, x, y), true);
      for (let at = x - rx; at <= x + rx; at += rx / 8) assert.equal(isInWater(ponds, at, pathY(at), 20), false, 'the path is dry');
    }
  }
});
