import { PALETTE } from './palette.js';
import { blob, chance, ellipse, leaf, outline, patch, shadow, stroke } from './shapes.js';

/**
 * What grows and lies about, drawn once into pictures and then only copied. Each has its foot at the origin.
 *
 * @typedef {import('./shapes.js').Context} Context
 * @typedef {'oak' | 'birch' | 'pine' | 'apple' | 'bush' | 'berries' | 'stone' | 'mushroom' | 'reeds' | 'stump'} SceneryKind
 *
 * @typedef {object} Picture
 * @property {(context: Context) => void} draw
 * @property {number} width
 * @property {number} height above the foot
 * @property {number} below below the foot
 * @property {number} sway how much it gives to the wind
 */

/** @type {Record<SceneryKind, Picture>} */
export const PICTURES = {
  oak: { draw: drawOak, width: 176, height: 196, below: 18, sway: 0.012 },
  apple: { draw: drawApple, width: 150, height: 158, below: 18, sway: 0.014 },
  birch: { draw: drawBirch, width: 120, height: 206, below: 16, sway: 0.02 },
  pine: { draw: drawPine, width: 124, height: 206, below: 16, sway: 0.01 },
  bush: { draw: drawBush, width: 104, height: 64, below: 12, sway: 0.02 },
  berries: { draw: drawBerries, width: 104, height: 64, below: 12, sway: 0.02 },
  stone: { draw: drawStone, width: 72, height: 38, below: 12, sway: 0 },
  mushroom: { draw: drawMushroom, width: 52, height: 36, below: 10, sway: 0 },
  reeds: { draw: drawReeds, width: 56, height: 72, below: 10, sway: 0.06 },
  stump: { draw: drawStump, width: 70, height: 40, below: 14, sway: 0 },
};

/**
 * A crown of overlapping leaves: the outline first, then the light from the upper left.
 *
 * @param {Context} context
 * @param {readonly [number, number, number][]} circles `[x, y, radius]`
 * @param {{base: string, light: string, dark: string}} colours
 */
function drawCrown(context, circles, { base, light, dark }) {
  for (const [x, y, radius] of circles) ellipse(context, PALETTE.outline, x, y, radius + 1.8);
  for (const [x, y, radius] of circles) ellipse(context, dark, x, y, radius);
  for (const [x, y, radius] of circles) ellipse(context, base, x - radius * 0.08, y - radius * 0.14, radius * 0.9);
  for (const [x, y, radius] of circles) ellipse(context, light, x - radius * 0.26, y - radius * 0.32, radius * 0.56);
  for (const [x, y, radius] of circles) {
    for (let i = 0; i < 7; i += 1) {
      const angle = chance(x, y, i) * Math.PI * 2;
      const distance = radius * (0.25 + chance(x, y, i + 20) * 0.55);
      const at_x = x + Math.cos(angle) * distance;
      const at_y = y + Math.sin(angle) * distance;
      context.beginPath();
      context.arc(at_x, at_y, 4.5, Math.PI * 0.1, Math.PI * 0.8);
      context.lineWidth = 1.5;
      context.lineCap = 'round';
      context.strokeStyle = at_y < y ? 'rgba(255, 255, 220, 0.4)' : 'rgba(40, 80, 45, 0.28)';
      context.stroke();
    }
  }
}

/**
 * @param {Context} context
 * @param {string} bark
 * @param {number} width at the foot
 * @param {number} height
 */
function drawTrunk(context, bark, width, height) {
  leaf(context, bark, [
    -width, 2, [-width * 0.45, -6, -width * 0.42, -height], [0, -height - 4, width * 0.42, -height],
    [width * 0.45, -6, width, 2], [0, 7, -width, 2],
  ]);
}

/** @param {Context} context */
function drawOak(context) {
  shadow(context, 8, 2, 62, 15);
  drawTrunk(context, PALETTE.bark, 17, 76);
  stroke(context, 'rgba(60, 40, 28, 0.35)', 2, [[-3, -12], [-4, -46]]);
  stroke(context, 'rgba(60, 40, 28, 0.35)', 2, [[5, -20], [4, -52]]);
  drawCrown(
    context,
    [[-44, -88, 34], [44, -88, 34], [0, -80, 38], [-28, -128, 36], [30, -130, 35], [2, -152, 34], [0, -112, 40]],
    { base: '#79b257', light: '#97ca6c', dark: '#5f9a4c' },
  );
}

/** @param {Context} context */
function drawApple(context) {
  shadow(context, 6, 2, 50, 12);
  drawTrunk(context, '#8f6a4d', 13, 58);
  drawCrown(
    context,
    [[-36, -72, 29], [36, -72, 29], [0, -66, 32], [-22, -106, 30], [24, -106, 29], [0, -92, 32]],
    { base: '#8fc062', light: '#b0d67c', dark: '#6ea653' },
  );
  for (const [x, y] of /** @type {[number, number][]} */ ([[-38, -66], [-14, -56], [18, -64], [40, -82], [-24, -102], [8, -94], [28, -112], [-4, -120]])) {
    blob(context, '#e4694f', x, y, 5.2);
    ellipse(context, '#f7a48f', x - 1.6, y - 1.8, 1.6);
  }
}

/** @param {Context} context */
function drawBirch(context) {
  shadow(context, 6, 2, 36, 10);
  drawTrunk(context, PALETTE.birch, 9, 104);
  for (const [y, from, to] of /** @type {[number, number, number][]} */ ([[-16, -4, 0], [-30, 0, 4], [-44, -4, 1], [-58, 0, 4], [-72, -4, -1]])) {
    stroke(context, '#5b5148', 2.4, [[from, y], [to, y + 0.8]]);
  }
  drawCrown(
    context,
    [[-24, -98, 25], [24, -100, 25], [0, -92, 26], [-18, -134, 25], [18, -136, 25], [0, -166, 25], [0, -122, 28]],
    { base: '#a5cf68', light: '#c6e488', dark: '#82b557' },
  );
}

/** @param {Context} context */
function drawPine(context) {
  shadow(context, 6, 2, 40, 11);
  drawTrunk(context, '#7b5a42', 10, 40);
  for (const [y, half, height, colour, light] of /** @type {[number, number, number, string, string]  []} */ ([
    [-28, 52, 72, '#4f8f5f', '#68a873'],
    [-74, 42, 64, '#5a9a67', '#76b47d'],
    [-118, 31, 66, '#68a873', '#88c28b'],
  ])) {
    leaf(context, colour, [
      -half, y, [-half * 0.35, y - height * 0.4, 0, y - height], [half * 0.35, y - height * 0.4, half, y],
      [half * 0.62, y + 11, half * 0.36, y + 2], [half * 0.1, y + 13, -half * 0.14, y + 3],
      [-half * 0.5, y + 12, -half, y],
    ]);
    patch(context, light, [-half * 0.62, y - 6, [-half * 0.24, y - height * 0.44, -2, y - height + 9], [-half * 0.08, y - height * 0.4, -half * 0.62, y - 6]]);
  }
}

/** @param {Context} context */
function drawBush(context) {
  shadow(context, 4, 1, 44, 10);
  drawCrown(
    context,
    [[-28, -16, 18], [28, -16, 18], [-12, -28, 20], [14, -30, 20], [0, -16, 20]],
    { base: '#74ad57', light: '#92c66c', dark: '#5c964b' },
  );
}

/** @param {Context} context */
function drawBerries(context) {
  drawBush(context);
  for (const [x, y] of /** @type {[number, number][]} */ ([[-30, -18], [-18, -34], [-8, -14], [6, -30], [14, -12], [26, -26], [34, -14], [-2, -42]])) {
    blob(context, '#d9556b', x, y, 3.6);
    ellipse(context, '#ffd0d4', x - 1, y - 1.2, 1.1);
  }
}

/** @param {Context} context */
function drawStone(context) {
  shadow(context, 3, 1, 30, 7);
  leaf(context, '#b9b7ae', [-26, 0, [-28, -17, -12, -23], [4, -31, 18, -19], [30, -12, 26, 1], [0, 7, -26, 0]]);
  patch(context, '#cfcdc4', [-20, -8, [-20, -17, -8, -20], [4, -25, 12, -17], [-4, -18, -20, -8]]);
  leaf(context, '#a7a59d', [16, 2, [14, -9, 23, -10], [33, -9, 32, 2], [24, 5, 16, 2]]);
  patch(context, 'rgba(110, 160, 90, 0.55)', [-25, -2, [-22, -9, -12, -4], [-4, -1, 2, 3], [-14, 3, -25, -2]]);
}

/** @param {Context} context */
function drawMushroom(context) {
  shadow(context, 2, 1, 18, 5);
  for (const [x, size] of /** @type {[number, number][]} */ ([[10, 0.62], [-5, 1]])) {
    context.save();
    context.translate(x, 0);
    context.scale(size, size);
    leaf(context, '#fbf3e2', [-5, 1, [-3, -8, -4, -14], [0, -17, 4, -14], [3, -8, 5, 1], [0, 4, -5, 1]]);
    leaf(context, '#df5f4c', [-15, -12, [-13, -29, 0, -29], [13, -29, 15, -12], [0, -7, -15, -12]]);
    for (const [dx, dy, radius] of /** @type {[number, number, number][]} */ ([[-6, -18, 2.4], [3, -22, 2.6], [8, -15, 1.9]])) {
      ellipse(context, '#fff7ea', dx, dy, radius, radius * 0.8);
    }
    context.restore();
  }
}

/** @param {Context} context */
function drawReeds(context) {
  for (const [x, height, lean] of /** @type {[number, number, number][]} */ ([[-16, 38, -5], [-9, 54, -3], [-2, 44, 2], [6, 60, 3], [14, 42, 6]])) {
    stroke(context, '#5f9a4f', 3, [[x, 2], [x + lean * 0.4, -height * 0.5], [x + lean, -height]]);
  }
  for (const [x, y] of /** @type {[number, number][]} */ ([[-12, -54], [9, -60]])) {
    context.beginPath();
    context.roundRect(x - 3.4, y - 8, 6.8, 18, 3.4);
    context.fillStyle = '#8b5f40';
    context.fill();
    outline(context, 1.5);
  }
}

/** @param {Context} context */
function drawStump(context) {
  shadow(context, 3, 2, 32, 8);
  leaf(context, PALETTE.bark, [-24, 2, [-19, -8, -19, -22], [0, -29, 19, -22], [19, -8, 26, 2], [0, 10, -24, 2]]);
  blob(context, '#dcb98c', 0, -22, 19, 8.5);
  context.lineWidth = 1.3;
  context.strokeStyle = 'rgba(120, 84, 52, 0.7)';
  for (const radius of [13, 8, 3.5]) {
    context.beginPath();
    context.ellipse(0, -22, radius, radius * 0.44, 0, 0, Math.PI * 2);
    context.stroke();
  }
}
