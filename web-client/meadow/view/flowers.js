import { FLOWER_COLOURS, PALETTE } from './palette.js';
import { ellipse, patch } from './shapes.js';

/**
 * The flowers that can be picked. They are drawn with the foot of the stem at the origin.
 *
 * @typedef {import('./shapes.js').Context} Context
 */

const HEADS = [drawDaisy, drawPoppy, drawCornflower, drawTulip, drawButtercup];

/** How long a flower takes to open, in ms. */
const OPENING_MS = 700;

/**
 * @param {Context} context
 * @param {import('../world.js').Flower} flower
 * @param {{now_ms: number, sway: number, on_water: boolean}} look `sway` in radians
 */
export function drawFlower(context, flower, { now_ms, sway, on_water }) {
  if (on_water) drawLilyPad(context);
  if (!flower.open) return drawSprout(context, sway);
  const growth = easeOutBack(Math.min(1, (now_ms - flower.changed_ms) / OPENING_MS));
  context.save();
  context.scale(growth * 1.12, growth * 1.12);
  if (on_water) context.scale(0.9, 0.9);
  else drawStem(context, sway);
  context.translate(on_water ? 0 : Math.sin(sway) * 22, on_water ? -6 : -23);
  context.rotate(sway * 1.2);
  const head = HEADS[flower.kind] ?? drawDaisy;
  head(context);
  context.restore();
}

/**
 * @param {Context} context
 * @param {number} kind
 */
export function drawFlowerHead(context, kind) {
  (HEADS[kind] ?? drawDaisy)(context);
}

/** @param {Context} context @param {number} sway */
function drawStem(context, sway) {
  const top = Math.sin(sway) * 22;
  ellipse(context, PALETTE.shadow, 2, 0, 9, 3);
  context.beginPath();
  context.moveTo(0, 0);
  context.quadraticCurveTo(0, -12, top, -22);
  context.lineWidth = 2.6;
  context.lineCap = 'round';
  context.strokeStyle = PALETTE.leaf;
  context.stroke();
  patch(context, '#5f9f55', [0, -5, [6, -15, 11, -13], [9, -5, 0, -4]]);
  patch(context, PALETTE.leaf, [0, -3, [-6, -12, -11, -9], [-8, -2, 0, -2]]);
}

/** @param {Context} context @param {number} sway */
function drawSprout(context, sway) {
  context.save();
  context.rotate(sway);
  patch(context, '#6fae5c', [0, 0, [2, -8, 7, -9], [6, -2, 0, 0]]);
  patch(context, PALETTE.leaf, [0, 0, [-2, -7, -6, -7], [-5, -1, 0, 0]]);
  context.restore();
}

/** @param {Context} context */
function drawLilyPad(context) {
  context.beginPath();
  context.ellipse(0, 0, 20, 9, 0, 0.25, Math.PI * 2 - 0.25);
  context.lineTo(0, 0);
  context.closePath();
  context.fillStyle = '#6aa964';
  context.fill();
  context.lineWidth = 1.5;
  context.strokeStyle = 'rgba(50, 90, 60, 0.5)';
  context.stroke();
}

/**
 * @param {Context} context
 * @param {string} colour
 * @param {number} count
 * @param {number} distance
 * @param {number} rx
 * @param {number} ry
 * @param {number} [turn]
 */
function petals(context, colour, count, distance, rx, ry, turn = 0) {
  for (let i = 0; i < count; i += 1) {
    const angle = turn + (i / count) * Math.PI * 2;
    ellipse(context, colour, Math.cos(angle) * distance, Math.sin(angle) * distance * 0.82, rx, ry, angle);
  }
}

/** @param {Context} context */
function drawDaisy(context) {
  const { petal, shade, heart } = FLOWER_COLOURS[0];
  petals(context, shade, 9, 6.6, 5, 2.5, 0.34);
  petals(context, petal, 9, 6.4, 4.8, 2.3);
  ellipse(context, heart, 0, 0, 4, 3.5);
  ellipse(context, '#ffd873', -1, -1, 1.7, 1.3);
}

/** @param {Context} context */
function drawPoppy(context) {
  const { petal, shade, heart } = FLOWER_COLOURS[1];
  petals(context, shade, 4, 4.8, 6.2, 5.6, 0.8);
  petals(context, petal, 4, 4.2, 5.6, 4.8, 0);
  ellipse(context, heart, 0, 0, 3.2, 2.8);
  petals(context, '#f2c14e', 6, 4.3, 0.8, 0.8);
}

/** @param {Context} context */
function drawCornflower(context) {
  const { petal, shade, heart } = FLOWER_COLOURS[2];
  petals(context, shade, 8, 6.8, 4.6, 2.8, 0.39);
  petals(context, petal, 8, 5.4, 4.4, 2.5);
  petals(context, heart, 5, 1.8, 1.8, 1.4);
  ellipse(context, '#a9b8f5', 0, -0.6, 1.6, 1.4);
}

/** @param {Context} context */
function drawTulip(context) {
  const { petal, shade, heart } = FLOWER_COLOURS[3];
  patch(context, shade, [-8, -8, [-3, -3, 0, -9], [3, -3, 8, -8], [11, 8, 0, 8], [-11, 8, -8, -8]]);
  patch(context, petal, [0, -11, [8, -1, 3, 8], [-3, 8.6, -3, 8], [-8, -1, 0, -11]]);
  patch(context, heart, [-1, -6, [-4, 0, -2, 4], [-5, 0, -1, -6]]);
}

/** @param {Context} context */
function drawButtercup(context) {
  const { petal, shade, heart } = FLOWER_COLOURS[4];
  petals(context, shade, 5, 5.6, 5, 4.4, 0.2);
  petals(context, petal, 5, 5, 4.6, 3.9, 0.15);
  ellipse(context, heart, 0, 0, 3, 2.6);
  petals(context, '#fff0a8', 5, 1.6, 0.7, 0.7);
}

/** @param {number} part 0–1 */
function easeOutBack(part) {
  const back = 1.9;
  return 1 + (back + 1) * (part - 1) ** 3 + back * (part - 1) ** 2;
}
