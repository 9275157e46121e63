import { chance } from './shapes.js';

/**
 * Small marks on the ground and the water.
 *
 * @typedef {import('./shapes.js').Context} Context
 */

/**
 * @param {Context} context
 * @param {{x: number, y: number}} foot
 * @param {number} bend how far the wind has its tips
 * @param {number} kind 0–1
 */
export function drawTuft(context, { x, y }, bend, kind) {
  const height = 11 + kind * 8;
  context.lineCap = 'round';
  context.lineWidth = 2.3;
  context.strokeStyle = kind < 0.5 ? '#6fae56' : '#82bd62';
  context.beginPath();
  for (const blade of [-6, -2.5, 1, 4.5]) {
    const reach = height * (1 - Math.abs(blade) * 0.05);
    context.moveTo(x + blade * 0.6, y);
    context.quadraticCurveTo(x + blade * 0.8, y - reach * 0.6, x + blade * 1.5 + bend, y - reach);
  }
  context.stroke();
}

/**
 * The sun on the water.
 *
 * @param {Context} context
 * @param {import('./scenery.js').Pond} pond
 * @param {number} now_ms
 */
export function drawGlints(context, { x, y, rx, ry }, now_ms) {
  context.lineCap = 'round';
  context.lineWidth = 2.2;
  for (let i = 0; i < 16; i += 1) {
    const angle = chance(i, 130) * Math.PI * 2;
    const far = Math.sqrt(chance(i, 131)) * 0.82;
    const shine = Math.sin(now_ms / 900 + i * 1.9);
    if (shine < 0) continue;
    const at_x = x + Math.cos(angle) * rx * far + Math.sin(now_ms / 2_600 + i) * 8;
    const at_y = y + Math.sin(angle) * ry * far;
    context.strokeStyle = `rgba(255, 255, 255, ${0.55 * shine})`;
    context.beginPath();
    context.moveTo(at_x - 10 * shine, at_y);
    context.quadraticCurveTo(at_x, at_y - 3, at_x + 10 * shine, at_y);
    context.stroke();
  }
}

/**
 * Where the own animal is going.
 *
 * @param {Context} context
 * @param {{x: number, y: number}} target
 * @param {number} now_ms
 */
export function drawTarget(context, { x, y }, now_ms) {
  const part = (now_ms % 900) / 900;
  context.beginPath();
  context.ellipse(x, y, 5 + part * 13, 3 + part * 7, 0, 0, Math.PI * 2);
  context.strokeStyle = `rgba(255, 253, 240, ${0.9 * (1 - part)})`;
  context.lineWidth = 2.4;
  context.stroke();
}

/**
 * Around what can be picked or taken.
 *
 * @param {Context} context
 * @param {{x: number, y: number}} near
 * @param {number} now_ms
 */
export function drawNear(context, { x, y }, now_ms) {
  const pulse = 1 + Math.sin(now_ms / 260) * 0.07;
  context.beginPath();
  context.ellipse(x, y, 19 * pulse, 9 * pulse, 0, 0, Math.PI * 2);
  context.fillStyle = 'rgba(255, 252, 225, 0.42)';
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = 'rgba(255, 252, 235, 0.95)';
  context.stroke();
}
