import { chance } from './shapes.js';

/**
 * Where the trees, bushes and the pond are. The server knows nothing of them: nobody walks into a tree because they
 * stand beyond the field's edge, with a few low things inside. The same field has the same scenery for everybody.
 *
 * @typedef {{kind: import('./trees.js').SceneryKind, x: number, y: number, scale: number, flip: boolean}} Thing
 * @typedef {{x: number, y: number, rx: number, ry: number}} Pond
 *
 * @typedef {object} Scenery
 * @property {Thing[]} things sorted by y, from back to front
 * @property {Pond[]} ponds
 * @property {(x: number) => number} pathY where the path runs
 */

/** How far the camera may look beyond the field. */
export const MARGIN = 170;

/** How far the forest reaches beyond the field. */
export const FOREST = 420;

/** There is a pond for each part of the field of about this size; on a huge field, these many. */
const PART = { width: 2_400, height: 1_600 };
const PONDS_MAX = 24;

/** @type {readonly import('./trees.js').SceneryKind[]} */
const FOREST_KINDS = ['oak', 'pine', 'birch', 'oak', 'apple', 'pine', 'oak', 'birch'];

/** @type {readonly import('./trees.js').SceneryKind[]} */
const LOW_KINDS = ['bush', 'stone', 'berries', 'mushroom', 'bush', 'stump', 'mushroom', 'stone'];

/**
 * @param {number} width
 * @param {number} height
 * @returns {Scenery}
 */
export function makeScenery(width, height) {
  const sweep = Math.min(height * 0.09, 260);
  /** @param {number} x */
  const pathY = (x) => height * 0.6 + Math.sin(x / 310) * sweep + Math.sin(x / 127 + 1) * sweep * 0.28;
  const ponds = [...dig(width, height, pathY)];
  const things = [...forest(width, height), ...hedge(width, height), ...inside(width, height, ponds, pathY), ...ponds.flatMap((pond) => [...reeds(pond)])];
  things.sort((a, b) => a.y - b.y);
  return { things, ponds, pathY };
}

/**
 * One pond in each part of the field, where the path leaves room for it.
 *
 * @param {number} width
 * @param {number} height
 * @param {(x: number) => number} pathY
 * @returns {Generator<Pond>}
 */
function* dig(width, height, pathY) {
  const columns = Math.max(1, Math.round(width / PART.width));
  const rows = Math.max(1, Math.round(height / PART.height));
  const [wide, high] = [width / columns, height / rows];
  for (let part = 0; part < Math.min(PONDS_MAX, columns * rows); part += 1) {
    const [column, row] = [part % columns, Math.floor(part / columns)];
    const size = part === 0 ? 1 : 0.78 + chance(column, row, 45) * 0.3;
    const rx = Math.min(270, wide * 0.12) * size;
    const ry = Math.min(150, high * 0.11) * size;
    for (let attempt = 0; attempt < 8; attempt += 1) {
      const [along, down] = attempt === 0 ? [towardsMiddle(column, columns, 0.74), towardsMiddle(row, rows, 0.3)]
        : [0.22 + chance(part, attempt, 47) * 0.56, 0.2 + chance(part, attempt, 48) * 0.6];
      const x = (column + along) * wide;
      const y = (row + down) * high;
      const clear = [-1, -0.5, 0, 0.5, 1].every((side) => Math.abs(pathY(x + side * rx) - y) > ry + 90);
      if (!clear) continue;
      yield { x, y, rx, ry };
      break;
    }
  }
}

/**
 * Where in its part a pond had best be: near to the middle of the field, where the animals come to it.
 *
 * @param {number} index of the part
 * @param {number} count of the parts beside each other
 * @param {number} alone where in the only part there is
 */
function towardsMiddle(index, count, alone) {
  if (count === 1) return alone;
  return index < count / 2 ? 0.73 : 0.27;
}

/**
 * @param {readonly Pond[]} ponds
 * @param {number} x
 * @param {number} y
 * @param {number} [grown] how much larger to take them, in units
 */
export function isInWater(ponds, x, y, grown = 0) {
  return ponds.some((pond) => isInPond(pond, x, y, grown));
}

/**
 * @param {Pond} pond
 * @param {number} x
 * @param {number} y
 * @param {number} [grown] how much larger to take the pond, in units
 */
function isInPond(pond, x, y, grown = 0) {
  return ((x - pond.x) / (pond.rx + grown)) ** 2 + ((y - pond.y) / (pond.ry + grown)) ** 2 < 1;
}

/**
 * Rows of trees around the field. Those in front are further out, so that their crowns do not hide its lower edge.
 *
 * @param {number} width
 * @param {number} height
 */
function* forest(width, height) {
  const step = 104;
  for (let row = -5; row * step * 0.62 < height + FOREST; row += 1) {
    for (let column = -4; column * step < width + FOREST; column += 1) {
      const x = column * step + (row & 1) * 52 + (chance(column, row, 1) - 0.5) * 56;
      const y = row * step * 0.62 + (chance(column, row, 2) - 0.5) * 36;
      const out = x < -118 || x > width + 118 || y < -18 || y > height + 214;
      if (!out || y < -FOREST || x < -FOREST) continue;
      yield thing(FOREST_KINDS, column, row, x, y, 0.92 + chance(column, row, 4) * 0.34);
    }
  }
}

/**
 * Bushes along the edge: the field ends where they begin.
 *
 * @param {number} width
 * @param {number} height
 */
function* hedge(width, height) {
  for (let x = -30; x < width + 30; x += 74) {
    const jitter = chance(x, 7) * 26;
    if (chance(x, 9) < 0.82) yield thing(['bush', 'berries', 'bush', 'stone'], x, 3, x + jitter, height + 66 + jitter * 0.6, 0.9 + chance(x, 3) * 0.3);
    if (chance(x, 8) < 0.5) yield thing(['bush', 'bush', 'mushroom', 'berries'], x, 4, x + jitter, -6 - jitter * 0.3, 0.8 + chance(x, 5) * 0.25);
  }
  for (let y = 20; y < height + 60; y += 66) {
    const jitter = chance(y, 17) * 22;
    if (chance(y, 19) < 0.75) yield thing(['bush', 'berries', 'bush', 'stone'], 5, y, -44 - jitter, y + jitter, 0.85 + chance(y, 6) * 0.3);
    if (chance(y, 18) < 0.75) yield thing(['bush', 'bush', 'berries', 'stump'], 6, y, width + 44 + jitter, y + jitter, 0.85 + chance(y, 7) * 0.3);
  }
}

/**
 * Low things on the field, away from the path and the water.
 *
 * @param {number} width
 * @param {number} height
 * @param {readonly Pond[]} ponds
 * @param {(x: number) => number} pathY
 */
function* inside(width, height, ponds, pathY) {
  const step = 260;
  for (let row = 0; row * step < height; row += 1) {
    for (let column = 0; column * step < width; column += 1) {
      if (chance(column, row, 30) > 0.62) continue;
      const x = (column + 0.15 + chance(column, row, 31) * 0.7) * step;
      const y = (row + 0.15 + chance(column, row, 32) * 0.7) * step;
      if (isInWater(ponds, x, y, 70) || Math.abs(y - pathY(x)) < 90 || x > width - 30 || y > height - 20) continue;
      yield thing(LOW_KINDS, column, row, x, y, 0.75 + chance(column, row, 33) * 0.3);
    }
  }
}

/** @param {Pond} pond */
function* reeds({ x, y, rx, ry }) {
  for (let i = 0; i < 15; i += 1) {
    const angle = Math.PI * (0.9 + chance(i, 40) * 0.9);
    const far = 0.97 + chance(i, 41) * 0.1;
    yield thing(['reeds'], i, 42, x + Math.cos(angle) * rx * far, y + Math.sin(angle) * ry * far, 0.75 + chance(i, 43) * 0.45);
  }
}

/**
 * @param {readonly import('./trees.js').SceneryKind[]} kinds
 * @param {number} a
 * @param {number} b
 * @param {number} x
 * @param {number} y
 * @param {number} scale
 * @returns {Thing}
 */
function thing(kinds, a, b, x, y, scale) {
  const kind = kinds[Math.floor(chance(a, b, 3) * kinds.length)] ?? 'bush';
  return { kind, x, y, scale, flip: chance(a, b, 5) < 0.5 };
}
