import { FLOWER_COLOURS } from './palette.js';
import { chance, ellipse } from './shapes.js';

/**
 * What moves although nobody plays: butterflies, the shadows of clouds, petals in the air. None of it is shared; each
 * page has its own.
 *
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import('../camera.js').View} View
 *
 * @typedef {{x: number, y: number, dx: number, dy: number, spin: number, colour: string, since_ms: number}} Petal
 */

const BUTTERFLIES = 7;
/** How far the shadow of a cloud reaches from its middle. */
const CLOUD_REACH = 560;
const WINGS = ['#f7c64f', '#f3957e', '#ffffff', '#9fb6f2', '#e9a7d4'];
const PETAL_MS = 1_100;
const PETALS_MAX = 120;

/**
 * The wind at a place: gusts that roll over the field from west to east.
 *
 * @param {number} x
 * @param {number} y
 * @param {number} now_ms
 * @returns {number} −1 to 1
 */
export function wind(x, y, now_ms) {
  const s = now_ms / 1_000;
  return Math.sin(s * 1.3 - x * 0.007 + y * 0.003) * 0.6 + Math.sin(s * 2.7 - x * 0.019 + y * 0.011) * 0.4;
}

/**
 * @param {Context} context in field units
 * @param {View} view
 * @param {number} now_ms
 */
export function drawCloudShadows(context, view, now_ms) {
  // As the butterflies: what leaves the view on one side comes into it on the other.
  const width = view.right - view.left + 2 * CLOUD_REACH;
  const height = view.bottom - view.top + 2 * CLOUD_REACH;
  for (let i = 0; i < 4; i += 1) {
    const x = view.left - CLOUD_REACH + wrap(chance(i, 101) * 2_900 + now_ms * 0.011 - view.left, width);
    const y = view.top - CLOUD_REACH + wrap(chance(i, 102) * 1_700 - view.top, height);
    const radius = 230 + chance(i, 103) * 130;
    const shade = context.createRadialGradient(x, y, radius * 0.2, x, y, radius);
    shade.addColorStop(0, 'rgba(46, 84, 70, 0.13)');
    shade.addColorStop(1, 'rgba(46, 84, 70, 0)');
    context.fillStyle = shade;
    context.save();
    context.translate(x, y);
    context.scale(1.5, 0.8);
    context.translate(-x, -y);
    context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
    context.restore();
  }
}

/**
 * @param {Context} context
 * @param {View} view
 * @param {number} now_ms
 */
export function drawButterflies(context, view, now_ms) {
  const s = now_ms / 1_000;
  const width = view.right - view.left + 200;
  const height = view.bottom - view.top + 200;
  for (let i = 0; i < BUTTERFLIES; i += 1) {
    // They belong to the field, not to the screen: walking on leaves them behind, and others come from ahead.
    const path_x = chance(i, 110) * 5_000 + Math.sin(s * 0.31 + i * 2) * 160 + Math.sin(s * 1.1 + i) * 36 + s * 9;
    const path_y = chance(i, 111) * 5_000 + Math.cos(s * 0.27 + i) * 110 + Math.sin(s * 1.7 + i * 3) * 24;
    const x = view.left - 100 + wrap(path_x - view.left, width);
    const y = view.top - 100 + wrap(path_y - view.top, height);
    const flap = Math.abs(Math.sin(s * 9 + i * 1.7));
    context.save();
    context.translate(x, y);
    ellipse(context, 'rgba(40, 66, 38, 0.16)', 0, 30, 5, 1.8);
    context.rotate(Math.sin(s * 0.9 + i) * 0.5);
    const colour = WINGS[i % WINGS.length] ?? '#fff';
    for (const side of [-1, 1]) {
      ellipse(context, colour, side * (2 + 3.4 * flap), -2.4, 1.2 + 4.2 * flap, 5, side * 0.5);
      ellipse(context, colour, side * (1.6 + 2.4 * flap), 3.2, 1 + 2.8 * flap, 3.4, side * -0.4);
    }
    ellipse(context, '#4a3d35', 0, 0, 1.3, 4.6);
    context.restore();
  }
}

/** Petals that fly up where a flower was picked. */
export class Petals {
  /** @type {Petal[]} */
  #petals = [];

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} kind
   * @param {number} now_ms
   */
  burst(x, y, kind, now_ms) {
    const colours = FLOWER_COLOURS[/** @type {0} */ (kind)] ?? FLOWER_COLOURS[0];
    for (let i = 0; i < 12 && this.#petals.length < PETALS_MAX; i += 1) {
      const angle = (i / 12) * Math.PI * 2 + chance(x, y, i);
      const force = 40 + chance(x, i, 3) * 60;
      this.#petals.push({
        x,
        y: y - 22,
        dx: Math.cos(angle) * force,
        dy: Math.sin(angle) * force * 0.7 - 60,
        spin: angle,
        colour: i % 3 === 0 ? colours.heart : colours.petal,
        since_ms: now_ms,
      });
    }
  }

  /**
   * @param {Context} context
   * @param {number} now_ms
   */
  draw(context, now_ms) {
    this.#petals = this.#petals.filter((petal) => now_ms - petal.since_ms < PETAL_MS);
    for (const { x, y, dx, dy, spin, colour, since_ms } of this.#petals) {
      const s = (now_ms - since_ms) / 1_000;
      context.globalAlpha = 1 - s / (PETAL_MS / 1_000);
      ellipse(context, colour, x + dx * s, y + dy * s + 90 * s * s, 4.4, 2.6, spin + s * 6);
    }
    context.globalAlpha = 1;
  }
}

/**
 * @param {number} value
 * @param {number} length
 */
function wrap(value, length) {
  return ((value % length) + length) % length;
}
