import { PALETTE } from './palette.js';

/**
 * Small drawing words that the pictures are made of. Units are the field's; y goes down, so up is negative.
 *
 * @typedef {CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D} Context
 */

/**
 * @param {Context} context
 * @param {string} fill
 * @param {number} x
 * @param {number} y
 * @param {number} rx
 * @param {number} [ry]
 * @param {number} [rotation]
 */
export function ellipse(context, fill, x, y, rx, ry = rx, rotation = 0) {
  context.beginPath();
  context.ellipse(x, y, rx, ry, rotation, 0, Math.PI * 2);
  context.fillStyle = fill;
  context.fill();
}

/**
 * An ellipse with the hand-drawn outline.
 *
 * @param {Context} context
 * @param {string} fill
 * @param {number} x
 * @param {number} y
 * @param {number} rx
 * @param {number} [ry]
 * @param {number} [rotation]
 */
export function blob(context, fill, x, y, rx, ry = rx, rotation = 0) {
  ellipse(context, fill, x, y, rx, ry, rotation);
  outline(context);
}

/**
 * A closed curve through control points: `[x, y]` to start, then `[cx, cy, x, y]` each.
 *
 * @param {Context} context
 * @param {readonly [number, number, ...([number, number, number, number])[]]} path
 */
export function curve(context, path) {
  const [x, y, ...parts] = path;
  context.beginPath();
  context.moveTo(x, y);
  for (const [cx, cy, to_x, to_y] of parts) context.quadraticCurveTo(cx, cy, to_x, to_y);
  context.closePath();
}

/**
 * @param {Context} context
 * @param {string} fill
 * @param {readonly [number, number, ...([number, number, number, number])[]]} path
 */
export function patch(context, fill, path) {
  curve(context, path);
  context.fillStyle = fill;
  context.fill();
}

/**
 * @param {Context} context
 * @param {string} fill
 * @param {readonly [number, number, ...([number, number, number, number])[]]} path
 */
export function leaf(context, fill, path) {
  patch(context, fill, path);
  outline(context);
}

/**
 * @param {Context} context
 * @param {number} [width]
 */
export function outline(context, width = 1.9) {
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.strokeStyle = PALETTE.outline;
  context.stroke();
}

/**
 * @param {Context} context
 * @param {string} colour
 * @param {number} width
 * @param {readonly [number, number][]} points
 */
export function stroke(context, colour, width, points) {
  context.beginPath();
  for (const [x, y] of points) context.lineTo(x, y);
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  context.strokeStyle = colour;
  context.stroke();
}

/**
 * @param {Context} context
 * @param {number} x
 * @param {number} y
 * @param {number} rx
 * @param {number} ry
 */
export function shadow(context, x, y, rx, ry) {
  ellipse(context, PALETTE.shadow, x, y, rx, ry);
}

/**
 * The same number for the same place on every machine, at least 0 and below 1.
 *
 * @param {number} a
 * @param {number} b
 * @param {number} [salt]
 */
export function chance(a, b, salt = 0) {
  let hash = Math.imul(a | 0, 374_761_393) ^ Math.imul(b | 0, 668_265_263) ^ Math.imul(salt | 0, 2_147_483_629);
  hash = Math.imul(hash ^ (hash >>> 13), 1_274_126_177);
  hash = Math.imul(hash ^ (hash >>> 16), 2_246_822_519);
  return ((hash ^ (hash >>> 15)) >>> 0) / 4_294_967_296;
}
