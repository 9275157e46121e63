import { PALETTE } from './palette.js';
import { blob, ellipse, leaf, outline, stroke } from './shapes.js';

/**
 * The five feelings as small pictures around the origin, about 24 units wide. Drawn by us, because the emoji of one
 * system look foreign on another.
 *
 * @typedef {import('./shapes.js').Context} Context
 */

/** @type {Record<import('../world.js').Emote, (context: Context) => void>} */
const DRAWERS = { wave: drawPaw, heart: drawHeart, laugh: drawLaugh, sleep: drawSleep, dance: drawNotes };

/**
 * @param {Context} context
 * @param {import('../world.js').Emote} emote
 */
export function drawEmote(context, emote) {
  DRAWERS[emote](context);
}

/** @param {Context} context */
function drawPaw(context) {
  context.save();
  context.rotate(0.22);
  blob(context, '#e9a35e', 0, 4, 7.6, 6.6);
  for (const [x, y] of /** @type {[number, number][]} */ ([[-8.4, -2.4], [-3.2, -7.6], [3.4, -7.6], [8.6, -2.4]])) {
    blob(context, '#e9a35e', x, y, 2.9, 3.6);
  }
  ellipse(context, '#fbe3c6', 0, 4.6, 4, 3.2);
  context.restore();
}

/** @param {Context} context */
function drawHeart(context) {
  context.beginPath();
  context.moveTo(0, 10);
  context.bezierCurveTo(-16, -1, -10, -13, 0, -5);
  context.bezierCurveTo(10, -13, 16, -1, 0, 10);
  context.closePath();
  context.fillStyle = '#ea5f6c';
  context.fill();
  outline(context);
  ellipse(context, 'rgba(255, 255, 255, 0.7)', -5, -4, 2.4, 1.7, -0.6);
}

/** @param {Context} context */
function drawLaugh(context) {
  blob(context, '#fbd45f', 0, 0, 10.6);
  for (const side of [-1, 1]) {
    context.beginPath();
    context.arc(side * 4.2, -1.6, 2.5, Math.PI * 1.05, Math.PI * 1.95);
    outline(context);
  }
  leaf(context, '#8d3b3b', [-6, 2, [0, 4, 6, 2], [5, 9, 0, 9], [-5, 9, -6, 2]]);
  ellipse(context, '#f08a80', 0, 7, 2.8, 1.5);
}

/** @param {Context} context */
function drawSleep(context) {
  for (const [x, y, size] of /** @type {[number, number, number][]} */ ([[-6, 6, 3.4], [1, -0.5, 4.4], [8, -8.5, 3]])) {
    stroke(context, '#5d79c9', 2.6, [[x - size, y - size], [x + size, y - size], [x - size, y + size], [x + size, y + size]]);
  }
}

/** @param {Context} context */
function drawNotes(context) {
  stroke(context, PALETTE.ink, 2.2, [[-4, 6], [-4, -8], [8, -10.5], [8, 3.5]]);
  stroke(context, PALETTE.ink, 4, [[-4, -7], [8, -9.5]]);
  blob(context, '#8d6bd1', -7, 6.6, 4.2, 3.3, -0.3);
  blob(context, '#8d6bd1', 5, 4.2, 4.2, 3.3, -0.3);
}
