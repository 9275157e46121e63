import { PALETTE } from './palette.js';
import { blob, ellipse, leaf, outline, patch, shadow, stroke } from './shapes.js';

/**
 * What lies about and can be carried. Each is drawn about 26 units large with its middle at the origin; on the field it
 * lies a little above its foot.
 *
 * @typedef {import('./shapes.js').Context} Context
 * @typedef {import('../world.js').ThingKind} ThingKind
 */

/** @type {Record<ThingKind, (context: Context) => void>} */
const DRAWERS = { acorn: drawAcorn, pebble: drawPebble, feather: drawFeather, shell: drawShell, pinecone: drawPinecone };

/** How long a thing takes to come to rest where it was dropped, in ms. */
const FALL_MS = 320;

/**
 * @param {Context} context
 * @param {ThingKind} kind
 */
export function drawThing(context, kind) {
  DRAWERS[kind](context);
}

/**
 * A thing on the field, with its foot at the origin.
 *
 * @param {Context} context
 * @param {import('../world.js').Thing} thing
 * @param {number} now_ms
 */
export function drawLying(context, { kind, id, changed_ms }, now_ms) {
  const age = Math.min(1, (now_ms - changed_ms) / FALL_MS);
  const height = (1 - age) ** 2 * 16;
  shadow(context, 1, 0, 12 - height * 0.3, 4);
  context.save();
  context.translate(0, -8 - height);
  // No two lie alike.
  context.rotate((((id * 37) % 11) - 5) * 0.1);
  drawThing(context, kind);
  context.restore();
}

/**
 * The bag of an animal that carries something, at its side; the fuller the larger.
 *
 * @param {Context} context at the animal's feet, mirrored as the animal is
 * @param {number} carries
 * @param {number} height of the animal
 */
export function drawBag(context, carries, height) {
  if (carries <= 0) return;
  const size = 0.8 + Math.min(8, carries) * 0.05;
  context.save();
  context.translate(-17, -height * 0.36);
  context.scale(size, size);
  stroke(context, '#7d5a3c', 2.4, [[2, -8], [8, -17], [15, -21]]);
  leaf(context, '#e2b36f', [-4, -8, [-14, -2, -11, 7], [-8, 14, 1, 13], [11, 13, 11, 4], [11, -4, 5, -8]]);
  patch(context, '#f0cb90', [-4, -4, [-10, 0, -8, 6], [-4, 3, -4, -4]]);
  stroke(context, '#b9452f', 3, [[-5, -8], [6, -8]]);
  context.restore();
}

/** @param {Context} context */
function drawAcorn(context) {
  leaf(context, '#c98a4b', [-7.5, -1, [-8, 8, 0, 13], [8, 8, 7.5, -1]]);
  patch(context, '#e3ad6c', [-4.5, 0, [-5, 6, -1, 9], [-2.5, 4, -1.5, 0]]);
  leaf(context, '#8a6648', [-9.5, 0, [-10, -9, 0, -9.5], [10, -9, 9.5, 0], [0, 3, -9.5, 0]]);
  stroke(context, 'rgba(67, 52, 38, 0.4)', 1.1, [[-5, -5], [-2, -1]]);
  stroke(context, 'rgba(67, 52, 38, 0.4)', 1.1, [[0.5, -6.5], [2.5, -1.5]]);
  stroke(context, '#6b4c33', 2.6, [[0, -9], [2, -13]]);
}

/** @param {Context} context */
function drawPebble(context) {
  leaf(context, '#aebccb', [-12, 3, [-13, -7, -2, -9], [10, -11, 12.5, 1], [13, 9, 0, 9], [-11, 9, -12, 3]]);
  patch(context, '#d3dde6', [-8, -1, [-6, -7, 1, -7], [5, -6, 4, -4], [-3, -4, -8, -1]]);
  stroke(context, '#8b9bab', 1.5, [[-3, 5], [3, 3.5], [9, 3.5]]);
}

/** @param {Context} context */
function drawFeather(context) {
  leaf(context, '#8fb4e8', [-11, 9, [-12, -5, 0, -11], [8, -15, 13, -13], [14, -5, 6, 3], [0, 9, -11, 9]]);
  patch(context, '#c3d8f5', [-8, 6, [-8, -3, 2, -9], [7, -12, 11, -11], [3, -4, -8, 6]]);
  stroke(context, '#fffaf0', 1.6, [[-14, 12], [-4, 3], [9, -9]]);
  stroke(context, '#6f93cb', 1.2, [[3, 4], [1, 0]]);
  stroke(context, '#6f93cb', 1.2, [[9, -2], [5, -4]]);
}

/** @param {Context} context */
function drawShell(context) {
  leaf(context, '#f3b9a2', [-2.5, 10, [-16, 4, -12, -5], [-7, -13, 0, -12], [7, -13, 12, -5], [16, 4, 2.5, 10]]);
  patch(context, '#fad9c9', [-3, 6, [-11, 0, -8, -6], [-4, -10, 0, -9], [-2, -2, -3, 6]]);
  for (const [x, y] of /** @type {[number, number][]} */ ([[-8.5, -5], [-3, -9.5], [3, -9.5], [8.5, -5]])) {
    stroke(context, '#d98a72', 1.4, [[x * 0.16, 8], [x, y]]);
  }
  context.beginPath();
  context.roundRect(-4.5, 8, 9, 4.5, 2);
  context.fillStyle = '#e79f87';
  context.fill();
  outline(context, 1.5);
}

/** @param {Context} context */
function drawPinecone(context) {
  blob(context, '#7b5236', 0, 1, 9.5, 12);
  for (const [y, count] of /** @type {[number, number][]} */ ([[-6.5, 2], [-1.5, 3], [3.5, 2], [8, 1]])) {
    for (let i = 0; i < count; i += 1) {
      const x = (i - (count - 1) / 2) * 6;
      patch(context, '#a9764b', [x - 3.4, y - 1.5, [x, y + 5, x + 3.4, y - 1.5], [x, y - 4, x - 3.4, y - 1.5]]);
      ellipse(context, '#c79660', x, y - 0.6, 1.5, 1);
    }
  }
  stroke(context, PALETTE.bark, 2.6, [[0, -11], [1, -14.5]]);
}
