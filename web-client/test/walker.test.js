import assert from 'node:assert/strict';
import test from 'node:test';
import { Camera } from '../meadow/camera.js';
import { Walker } from '../meadow/walker.js';
import { World } from '../meadow/world.js';

const FIELD = { width: 2_400, height: 1_600, speed: 240 };
const FRAME_S = 1 / 60;

/** @param {Walker} walker @param {import('../meadow/walker.js').Intent} intent @param {number} frames */
function walk(walker, intent, frames) {
  const moves = [];
  for (let i = 0; i < frames; i += 1) {
    const now_ms = i * FRAME_S * 1_000;
    walker.step(intent, FRAME_S, now_ms);
    const move = walker.moveToSend(now_ms);
    if (move) moves.push({ ...move, now_ms });
  }
  return moves;
}

test('it moves at once, never faster than allowed, and tells so at most 20 times a second', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  const moves = walk(walker, { direction: { x: 1, y: 1 } }, 60);
  const way = Math.hypot(walker.x - 100, walker.y - 100);
  assert.ok(way > 220 && way <= 240, `${way}`);
  assert.ok(moves.length > 10 && moves.length <= 20, `${moves.length}`);
  for (let i = 1; i < moves.length; i += 1) {
    const [a, b] = [moves[i - 1], moves[i]];
    assert.ok(a && b && b.now_ms - a.now_ms >= 49.9);
  }
});

test('when it stops, the last place is told once more, and then nothing', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  walk(walker, { direction: { x: 0, y: 1 } }, 5);
  const last = walker.moveToSend(1_000);
  assert.deepEqual(last, { x: 100, y: Math.round(walker.y * 10) / 10 });
  assert.equal(walker.moveToSend(2_000), null);
});

test('it goes straight to a target and stays there', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  walk(walker, { target: { x: 130, y: 60 } }, 60);
  assert.deepEqual([walker.x, walker.y, walker.moving], [130, 60, false]);
  assert.equal(walker.step({ target: { x: 130, y: 60 } }, FRAME_S, 0), true);
});

test('the edge of the field is the end of the way', () => {
  const walker = new Walker({ x: 5, y: 5 }, FIELD);
  walk(walker, { direction: { x: -1, y: -1 } }, 60);
  assert.deepEqual([walker.x, walker.y], [0, 0]);
  assert.equal(walker.moving, false);
});

test('a page that slept does not leap', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  walker.step({ direction: { x: 1, y: 0 } }, 60, 0);
  assert.ok(walker.x - 100 <= 24);
  walker.step({ direction: { x: 1, y: 0 } }, -5, 0);
  assert.ok(walker.x - 100 <= 24);
});

test('a correction counts at once and is seen gently', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  walker.place({ x: 60, y: 100 });
  assert.equal(walker.x, 60);
  assert.equal(walker.drawn.x, 100);
  let drawn_x = walker.drawn.x;
  for (let i = 0; i < 60; i += 1) {
    walker.step(null, FRAME_S, i);
    assert.ok(walker.drawn.x <= drawn_x && drawn_x - walker.drawn.x < 6, 'no jerk');
    drawn_x = walker.drawn.x;
  }
  assert.ok(Math.abs(drawn_x - 60) < 0.2);
  assert.equal(walker.moveToSend(5_000), null, 'the server knows that place');
});

test('a correction over half the field is shown at once', () => {
  const walker = new Walker({ x: 100, y: 100 }, FIELD);
  walker.place({ x: 1_500, y: 100 });
  assert.deepEqual(walker.drawn, { x: 1_500, y: 100 });
});

test('the camera keeps the field in view on a phone and on a large screen', () => {
  for (const [width_px, height_px] of /** @type {[number, number][]} */ ([[360, 640], [844, 390], [1_280, 800], [3_840, 2_160]])) {
    const camera = new Camera();
    camera.resize(width_px, height_px);
    for (const spot of [{ x: 0, y: 0 }, { x: 1_200, y: 800 }, { x: 2_400, y: 1_600 }]) {
      camera.follow(spot, FIELD, 170, Infinity);
      const { left, top, right, bottom } = camera.view;
      assert.ok(left >= -170.01 && right <= 2_570.01 && top >= -170.01 && bottom <= 1_770.01);
      assert.ok(spot.x >= left && spot.x <= right && spot.y >= top && spot.y <= bottom, 'the animal is seen');
      const screen = camera.toScreen(spot.x, spot.y);
      const back = camera.toField(screen.x, screen.y);
      assert.ok(Math.hypot(back.x - spot.x, back.y - spot.y) < 1e-6);
    }
  }
});

test('all of a large screen around the own animal is in sight, and something beyond its edge', () => {
  const { sight } = new World();
  for (const [width_px, height_px, spare] of /** @type {[number, number, number][]} */ ([[360, 640, 500], [1_920, 1_080, 400], [3_440, 1_440, 200], [3_840, 2_160, 90]])) {
    const camera = new Camera();
    camera.resize(width_px, height_px);
    const { left, top, right, bottom } = camera.view;
    assert.ok(Math.hypot(right - left, bottom - top) / 2 + spare < sight, `${width_px} × ${height_px}`);
  }
});

test('a screen larger than the field shows it in the middle', () => {
  const camera = new Camera();
  camera.resize(9_000, 9_000);
  camera.follow({ x: 0, y: 0 }, FIELD, 170, Infinity);
  assert.deepEqual([camera.x, camera.y], [1_200, 800]);
});
