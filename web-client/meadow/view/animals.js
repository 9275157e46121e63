import { PALETTE } from './palette.js';
import { blob, ellipse, leaf, patch, shadow, stroke } from './shapes.js';

/**
 * The six animals. Each is drawn facing right with its feet at the origin, about 60 units high, and mirrored when it
 * faces left. The order of the strokes is the order from back to front.
 *
 * @typedef {import('./shapes.js').Context} Context
 *
 * @typedef {object} Pose
 * @property {number} stride phase of the walk in radians
 * @property {number} pace 0 standing – 1 walking
 * @property {1 | -1} facing
 * @property {number} breath phase of the breath in radians
 * @property {boolean} blinking
 * @property {boolean} sleeping
 * @property {boolean} swimming
 * @property {number} dance phase of the dance in radians, 0 when it does not
 */

/** How high each stands, ears and antlers included: what floats above it begins there. */
export const HEIGHTS = /** @type {const} */ ({ fox: 68, rabbit: 84, hedgehog: 46, deer: 82, badger: 58, duck: 56 });

/** @type {Pose} */
export const PORTRAIT_POSE = {
  stride: 0, pace: 0, facing: 1, breath: 0, blinking: false, sleeping: false, swimming: false, dance: 0,
};

/**
 * @param {Context} context at the animal's feet
 * @param {import('../world.js').AnimalKind} kind
 * @param {Pose} pose
 */
export function drawAnimal(context, kind, pose) {
  const hop = HOPS[kind] * Math.abs(Math.sin(pose.stride)) * pose.pace + Math.abs(Math.sin(pose.dance)) * 9;
  const swell = 1 + Math.sin(pose.breath) * 0.012;
  if (!pose.swimming) shadow(context, 0, 0, 25 - hop * 0.5, 7.5 - hop * 0.15);
  context.save();
  context.scale(pose.facing, 1);
  if (pose.swimming) clipAtWater(context);
  context.translate(0, pose.swimming ? 13 + Math.sin(pose.breath) : -hop);
  context.rotate(Math.sin(pose.dance) * 0.16 + (kind === 'duck' ? Math.sin(pose.stride) * 0.07 * pose.pace : 0));
  context.scale(1 / swell, swell);
  DRAWERS[kind](context, pose);
  context.restore();
  if (pose.swimming) drawRipples(context, pose);
}

/** @type {Record<import('../world.js').AnimalKind, number>} */
const HOPS = { fox: 4, rabbit: 11, hedgehog: 2.5, deer: 6, badger: 3, duck: 3 };

/** @type {Record<import('../world.js').AnimalKind, (context: Context, pose: Pose) => void>} */
const DRAWERS = {
  fox: drawFox,
  rabbit: drawRabbit,
  hedgehog: drawHedgehog,
  deer: drawDeer,
  badger: drawBadger,
  duck: drawDuck,
};

/** @param {Context} context */
function clipAtWater(context) {
  context.beginPath();
  context.rect(-60, -120, 120, 120);
  context.clip();
}

/**
 * @param {Context} context
 * @param {Pose} pose
 */
function drawRipples(context, { breath }) {
  for (const ring of [0, 1]) {
    const part = (breath / (Math.PI * 2) + ring / 2) % 1;
    context.beginPath();
    context.ellipse(0, 0, 22 + part * 18, 6 + part * 5, 0, 0, Math.PI * 2);
    context.strokeStyle = `rgba(255, 255, 255, ${0.65 * (1 - part)})`;
    context.lineWidth = 1.8;
    context.stroke();
  }
}

/**
 * Legs in two pairs that swing against each other; the far pair is darker.
 *
 * @param {Context} context
 * @param {Pose} pose
 * @param {{near: string, far: string, back_x: number, front_x: number, length: number, width: number}} legs
 */
function drawLegs(context, pose, { near, far, back_x, front_x, length, width }) {
  const swing = Math.sin(pose.stride) * 0.62 * pose.pace;
  for (const [colour, x, angle] of /** @type {[string, number, number][]} */ ([
    [far, back_x + 4, -swing],
    [far, front_x + 4, swing],
    [near, back_x, swing],
    [near, front_x, -swing],
  ])) {
    context.save();
    context.translate(x, -length);
    context.rotate(angle);
    context.beginPath();
    context.roundRect(-width / 2, -3, width, length + 3, width / 2);
    context.fillStyle = colour;
    context.fill();
    context.lineWidth = 1.7;
    context.strokeStyle = PALETTE.outline;
    context.stroke();
    context.restore();
  }
}

/**
 * @param {Context} context
 * @param {Pose} pose
 * @param {number} x
 * @param {number} y
 * @param {number} [radius]
 */
function drawEye(context, { blinking, sleeping }, x, y, radius = 2.7) {
  if (blinking || sleeping) {
    context.beginPath();
    context.arc(x, y - 1, radius, 0.15 * Math.PI, 0.85 * Math.PI);
    context.lineWidth = 1.8;
    context.lineCap = 'round';
    context.strokeStyle = PALETTE.ink;
    context.stroke();
    return;
  }
  ellipse(context, PALETTE.ink, x, y, radius, radius * 1.18);
  ellipse(context, '#fff', x + radius * 0.3, y - radius * 0.45, radius * 0.36);
}

/**
 * @param {Context} context
 * @param {number} x
 * @param {number} y
 */
function drawSmile(context, x, y) {
  context.beginPath();
  context.arc(x, y, 3, 0.1 * Math.PI, 0.75 * Math.PI);
  context.lineWidth = 1.5;
  context.lineCap = 'round';
  context.strokeStyle = PALETTE.outline;
  context.stroke();
}

/** @param {Context} context @param {Pose} pose */
function drawFox(context, pose) {
  const sway = Math.sin(pose.breath) * 2 + Math.sin(pose.stride) * 3 * pose.pace;
  leaf(context, '#e98a44', [-15, -19, [-34, -8 + sway, -42, -25 + sway], [-48, -40 + sway, -33, -44 + sway], [-27, -30, -12, -25]]);
  patch(context, '#fff6e6', [-42, -25 + sway, [-48, -40 + sway, -33, -44 + sway], [-34, -36 + sway, -42, -25 + sway]]);
  drawLegs(context, pose, { near: '#6b4635', far: '#573a2c', back_x: -12, front_x: 8, length: 13, width: 7 });
  blob(context, '#ec9049', -3, -21, 19, 13, -0.12);
  patch(context, '#fff0dc', [4, -16, [10, -9, 15, -16], [17, -27, 12, -27], [7, -22, 4, -16]]);
  leaf(context, '#df7f3b', [4, -46, [0, -66, 6, -65], [13, -60, 15, -50]]);
  leaf(context, '#ec9049', [15, -49, [18, -68, 24, -63], [28, -55, 25, -44]]);
  patch(context, '#6b4635', [18, -53, [20, -63, 23, -60], [25, -55, 23, -49]]);
  leaf(context, '#ec9049', [0, -38, [1, -53, 15, -53], [28, -53, 29, -41], [33, -36, 37, -32], [30, -24, 17, -24], [1, -25, 0, -38]]);
  patch(context, '#fff6e6', [37, -32, [30, -36, 24, -33], [17, -32, 10, -27], [14, -24.5, 18, -24.8], [30, -25, 37, -32]]);
  ellipse(context, PALETTE.blush, 17, -33, 3.6, 2.4);
  drawEye(context, pose, 23, -40);
  ellipse(context, PALETTE.ink, 36, -32.6, 2.9, 2.3);
  drawSmile(context, 30.5, -30);
}

/** @param {Context} context @param {Pose} pose */
function drawRabbit(context, pose) {
  const flop = Math.sin(pose.stride) * 3 * pose.pace + Math.sin(pose.breath) * 0.8;
  blob(context, '#fffdf8', -20, -17, 7, 7);
  drawLegs(context, pose, { near: '#d9c8b4', far: '#bda994', back_x: -9, front_x: 8, length: 9, width: 8 });
  blob(context, '#dccbb7', -2, -19, 18, 14, -0.1);
  blob(context, '#d3c0aa', -9, -14, 11, 10, 0.1);
  patch(context, '#fff7ea', [5, -12, [11, -7, 15, -14], [17, -24, 11, -25], [6, -20, 5, -12]]);
  leaf(context, '#cbb8a2', [6, -47, [-6 - flop, -76, 2 - flop, -80], [12 - flop, -80, 13, -50]]);
  leaf(context, '#dccbb7', [13, -49, [10 - flop, -80, 18 - flop, -83], [28 - flop, -81, 22, -47]]);
  patch(context, '#f2b7ab', [15.5, -51, [14 - flop, -74, 18 - flop, -77], [23 - flop, -76, 19.5, -50]]);
  blob(context, '#dccbb7', 15, -38, 15.5, 13.5);
  ellipse(context, '#fff7ea', 24.5, -32.5, 6.5, 5);
  ellipse(context, PALETTE.blush, 16, -32, 3.8, 2.6);
  drawEye(context, pose, 20, -40, 3);
  ellipse(context, '#e58f87', 29.3, -36.4, 2.2, 1.7);
  stroke(context, PALETTE.outline, 1.3, [[28.4, -34], [27, -31.8]]);
}

/** @param {Context} context @param {Pose} pose */
function drawHedgehog(context, pose) {
  drawLegs(context, pose, { near: '#b98c66', far: '#9c7454', back_x: -10, front_x: 10, length: 7, width: 7 });
  context.beginPath();
  const spikes = 13;
  for (let i = 0; i <= spikes; i += 1) {
    const angle = Math.PI * (0.94 + (i / spikes) * 0.99);
    const next = angle + (Math.PI * 0.99) / spikes / 2;
    context.lineTo(-4 + Math.cos(angle) * 26, -17 + Math.sin(angle) * 25);
    if (i < spikes) context.lineTo(-4 + Math.cos(next) * 20.5, -17 + Math.sin(next) * 19.5);
  }
  context.quadraticCurveTo(20, -6, 0, -5);
  context.quadraticCurveTo(-24, -4, -29, -14);
  context.closePath();
  context.fillStyle = '#7d5a45';
  context.fill();
  context.lineWidth = 1.9;
  context.lineJoin = 'round';
  context.strokeStyle = PALETTE.outline;
  context.stroke();
  for (const [x, y] of /** @type {[number, number][]} */ ([
    [-20, -20], [-12, -29], [-2, -34], [-13, -15], [-4, -24], [6, -29], [-20, -11], [-5, -13],
  ])) {
    stroke(context, '#a98467', 2, [[x, y], [x - 3.4, y - 4.6]]);
  }
  leaf(context, '#f3d9b8', [6, -13, [6, -32, 19, -30], [27, -28, 35, -19], [36, -13, 27, -10], [10, -6, 6, -13]]);
  blob(context, '#e6c49d', 10, -30, 5, 5);
  ellipse(context, PALETTE.blush, 17, -15.5, 3.6, 2.5);
  drawEye(context, pose, 21, -22);
  ellipse(context, PALETTE.ink, 35, -18, 3.1, 2.7);
  drawSmile(context, 28, -15);
}

/** @param {Context} context @param {Pose} pose */
function drawDeer(context, pose) {
  const flick = Math.sin(pose.breath * 2) * 1.2;
  leaf(context, '#fff6e6', [-19, -34, [-29, -39 + flick, -27, -30], [-25, -26, -18, -28]]);
  drawLegs(context, pose, { near: '#b27a4c', far: '#93623c', back_x: -13, front_x: 8, length: 21, width: 5.6 });
  blob(context, '#c98f5e', -3, -30, 19, 12, -0.1);
  ellipse(context, '#f6e3c8', 1, -22.5, 12, 4);
  for (const [x, y] of /** @type {[number, number][]} */ ([[-13, -35], [-6, -37], [-9, -30], [0, -33], [-16, -29]])) {
    ellipse(context, '#f9ead2', x, y, 1.8);
  }
  leaf(context, '#c98f5e', [5, -32, [8, -45, 8, -50], [15, -52, 22, -48], [20, -34, 14, -25]]);
  stroke(context, '#7c5a3e', 3, [[12, -62], [8, -70], [9, -79]]);
  stroke(context, '#7c5a3e', 3, [[8, -70], [2, -75]]);
  stroke(context, '#7c5a3e', 3, [[19, -63], [22, -71], [20, -80]]);
  stroke(context, '#7c5a3e', 3, [[22, -71], [28, -76]]);
  leaf(context, '#b87f50', [8, -57, [-3, -64, -5, -57], [-2, -51, 9, -52]]);
  leaf(context, '#c98f5e', [3, -54, [4, -66, 16, -65], [26, -64, 27, -56], [35, -53, 35, -48], [32, -42, 20, -43], [4, -43, 3, -54]]);
  ellipse(context, '#f6e3c8', 28.5, -46.8, 5.6, 3.8);
  leaf(context, '#c98f5e', [8, -60, [-1, -70, -1, -63], [1, -56, 9, -56]]);
  ellipse(context, PALETTE.blush, 17, -48.5, 3.6, 2.4);
  drawEye(context, pose, 20.5, -55, 3);
  ellipse(context, PALETTE.ink, 33.6, -50.6, 2.7, 2.2);
  drawSmile(context, 28, -47.5);
}

/** @param {Context} context @param {Pose} pose */
function drawBadger(context, pose) {
  leaf(context, '#9aa0a4', [-20, -18, [-33, -22, -31, -15], [-29, -9, -18, -12]]);
  drawLegs(context, pose, { near: '#45424a', far: '#37353c', back_x: -12, front_x: 10, length: 9, width: 9 });
  blob(context, '#8e959b', -4, -20, 22, 15);
  patch(context, '#a9afb3', [-22, -24, [-6, -42, 12, -29], [-4, -30, -22, -24]]);
  patch(context, '#4b4850', [-20, -11, [-4, -1, 15, -11], [-2, -9, -20, -11]]);
  blob(context, '#3d3b43', 7, -46, 4.8, 5);
  leaf(context, '#fffaf2', [2, -35, [3, -50, 16, -50], [26, -50, 30, -40], [38, -36, 38, -31], [36, -24, 22, -23], [3, -23, 2, -35]]);
  patch(context, '#3d3b43', [3, -31, [5, -44, 15, -46], [24, -46, 33, -37], [33, -33, 29, -33], [18, -38, 12, -25.5], [4, -26, 3, -31]]);
  blob(context, '#3d3b43', 16, -50, 5, 5);
  ellipse(context, '#fffaf2', 16.4, -51.8, 2.8, 1.6);
  ellipse(context, 'rgba(240, 120, 110, 0.3)', 21, -29.5, 3.6, 2.4);
  ellipse(context, '#fffaf2', 22, -38.6, 3.9, 4);
  drawEye(context, pose, 22.3, -38.4, 2.5);
  ellipse(context, PALETTE.ink, 37, -32.4, 3.1, 2.6);
  drawSmile(context, 31, -29);
}

/** @param {Context} context @param {Pose} pose */
function drawDuck(context, pose) {
  const swing = Math.sin(pose.stride) * 6 * pose.pace;
  for (const [x, lift] of /** @type {[number, number][]} */ ([[3 + swing, 0], [-5 - swing, 0]])) {
    stroke(context, '#e08a2e', 3.4, [[x, -12], [x, -1.5 + lift]]);
    leaf(context, '#f0a03a', [x - 3, -1, [x + 2, -6, x + 9, 0], [x + 3, 2.5, x - 3, -1]]);
  }
  leaf(context, '#e9e2d4', [-14, -22, [-30, -34, -32, -27], [-31, -15, -12, -11]]);
  blob(context, '#f4eee1', -3, -20, 20, 13.5, -0.08);
  leaf(context, '#b98d63', [-20, -24, [-8, -33, 7, -24], [6, -12, -8, -12], [-18, -14, -20, -24]]);
  patch(context, '#5f86c4', [-17, -18, [-8, -14, 1, -16], [-5, -11, -9, -12.2], [-15, -13, -17, -18]]);
  leaf(context, '#3f8f6a', [3, -33, [1, -54, 15, -54], [30, -54, 28, -40], [26, -31, 19, -27], [8, -26, 3, -33]]);
  patch(context, '#fffaf0', [4, -30, [11, -25, 20, -27.6], [21, -25, 19, -23.6], [11, -22, 5, -26.4]]);
  leaf(context, '#f2ad3f', [26, -44, [34, -45, 40, -40], [41, -35.5, 34, -35], [27, -35, 26, -44]]);
  stroke(context, PALETTE.outline, 1.2, [[28, -39.6], [36.5, -39]]);
  ellipse(context, 'rgba(255, 190, 160, 0.35)', 15, -38, 3.4, 2.3);
  drawEye(context, pose, 20, -44.5);
}
