/**
 * Where a speech balloon goes: above a head, and wholly inside of the picture. Pure.
 *
 * @typedef {{width: number, height: number}} Area in the units that the balloon is drawn in
 */

/** How far the tip reaches below the balloon. */
export const TIP = 9;

const EDGE = 6;

/** Half of the tip's width where it leaves the balloon. */
const TIP_HALF = 7;

/** @param {number} height */
export function balloonRadius(height) {
  return Math.min(16, height / 2);
}

/**
 * @param {{x: number, y: number}} head
 * @param {number} half of its width
 * @param {number} height without the tip
 * @param {Area} area
 * @returns {{x: number, y: number, tip: number}} below its middle, and how far to the right of that the tip is
 */
export function placeBalloon(head, half, height, area) {
  const x = between(head.x, half + EDGE, area.width - half - EDGE);
  const y = between(head.y, height + TIP + EDGE, area.height - EDGE);
  // The tip goes on pointing at the head as far as the round corners let it.
  const reach = Math.max(0, half - balloonRadius(height) - TIP_HALF);
  return { x, y, tip: between(head.x - x, -reach, reach) };
}

/**
 * @param {number} value
 * @param {number} min wins where the picture is smaller than the balloon
 * @param {number} max
 */
function between(value, min, max) {
  return Math.max(min, Math.min(max, value));
}
