import assert from 'node:assert/strict';
import test from 'node:test';
import { TIP, placeBalloon } from '../meadow/view/balloon.js';

const AREA = { width: 400, height: 300 };

test('in the open a balloon stands above the head', () => {
  assert.deepEqual(placeBalloon({ x: 200, y: 150 }, 60, 33, AREA), { x: 200, y: 150, tip: 0 });
});

test('at every edge it stays inside, and points to where the head is', () => {
  const half = 60;
  const height = 90;
  for (let x = -150; x <= 550; x += 10) {
    for (let y = -50; y <= 400; y += 10) {
      const place = placeBalloon({ x, y }, half, height, AREA);
      assert.ok(place.x - half >= 0 && place.x + half <= AREA.width, `${x} ${y}`);
      assert.ok(place.y - height - TIP >= 0 && place.y <= AREA.height, `${x} ${y}`);
      assert.ok(Math.abs(place.tip) < half);
      assert.ok((x - place.x) * place.tip >= 0);
    }
  }
});

test('in a picture that is too small it begins at the upper left', () => {
  const place = placeBalloon({ x: 5, y: 5 }, 60, 90, { width: 50, height: 40 });
  assert.ok(place.x - 60 >= 0 && place.y - 90 - TIP >= 0);
});
