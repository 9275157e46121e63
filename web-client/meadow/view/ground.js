import { PALETTE } from './palette.js';
import { FOREST, isInWater } from './scenery.js';
import { chance, ellipse } from './shapes.js';

/**
 * The ground, painted once in square tiles and then only copied. What a tile shows depends on nothing but the place,
 * so that neighbours fit together however late they are painted.
 *
 * @typedef {import('./shapes.js').Context} Context
 */

const TILE = 400;

/** More than the 30 that a 4K screen shows, at most 1.7 MB each; the least recently used go first. */
const TILES_MAX = 48;

/** Grass has no edges that would need every pixel of a dense screen. */
const TILE_SCALE_MAX = 1.6;

/** How far beyond the field the forest begins. */
const EDGE = { side: 58, top: 52, bottom: 94 };

export class Ground {
  #scenery;
  #field;
  #scale = 1;
  /** @type {Map<string, HTMLCanvasElement>} */
  #tiles = new Map();

  /**
   * @param {import('./scenery.js').Scenery} scenery
   * @param {{width: number, height: number}} field
   */
  constructor(scenery, field) {
    this.#scenery = scenery;
    this.#field = field;
  }

  /**
   * @param {CanvasRenderingContext2D} context in field units
   * @param {{left: number, top: number, right: number, bottom: number}} view
   * @param {number} scale device pixels per unit
   */
  draw(context, view, scale) {
    const tile_scale = Math.min(scale, TILE_SCALE_MAX);
    if (tile_scale !== this.#scale) {
      this.#scale = tile_scale;
      this.#tiles.clear();
    }
    for (let row = Math.floor(view.top / TILE); row * TILE < view.bottom; row += 1) {
      for (let column = Math.floor(view.left / TILE); column * TILE < view.right; column += 1) {
        // A hair larger than the tile, or the seams would show where pixels are cut in two.
        context.drawImage(this.#tile(column, row), column * TILE, row * TILE, TILE + 0.7, TILE + 0.7);
      }
    }
  }

  /**
   * @param {number} column
   * @param {number} row
   */
  #tile(column, row) {
    const key = `${column},${row}`;
    const tile = this.#tiles.get(key) ?? this.#paint(column, row);
    this.#tiles.delete(key);
    this.#tiles.set(key, tile);
    if (this.#tiles.size > TILES_MAX) this.#tiles.delete(/** @type {string} */ (this.#tiles.keys().next().value));
    return tile;
  }

  /**
   * @param {number} column
   * @param {number} row
   */
  #paint(column, row) {
    const tile = document.createElement('canvas');
    tile.width = tile.height = Math.ceil(TILE * this.#scale);
    const context = /** @type {CanvasRenderingContext2D} */ (tile.getContext('2d', { alpha: false }));
    context.scale(tile.width / TILE, tile.height / TILE);
    context.translate(-column * TILE, -row * TILE);
    const box = { left: column * TILE, top: row * TILE, right: (column + 1) * TILE, bottom: (row + 1) * TILE };
    context.fillStyle = PALETTE.grass;
    context.fillRect(box.left, box.top, TILE, TILE);
    this.#paintLight(context, box);
    this.#paintPath(context, box);
    this.#paintForestFloor(context, box);
    for (const pond of this.#scenery.ponds) this.#paintPond(context, box, pond);
    this.#paintBlades(context, box);
    return tile;
  }

  /**
   * Large soft patches of light and shade, or the grass would be a flat colour.
   *
   * @param {Context} context
   * @param {Box} box
   */
  #paintLight(context, box) {
    for (const { x, y, a, b } of cells(box, 150, 260)) {
      const light = chance(a, b, 50);
      const radius = 120 + chance(a, b, 51) * 150;
      const colour = light < 0.5 ? '185, 219, 128' : '116, 176, 88';
      const glow = context.createRadialGradient(x, y, 0, x, y, radius);
      glow.addColorStop(0, `rgba(${colour}, ${light < 0.5 ? 0.55 : 0.42})`);
      glow.addColorStop(1, `rgba(${colour}, 0)`);
      context.fillStyle = glow;
      context.fillRect(x - radius, y - radius, radius * 2, radius * 2);
    }
  }

  /**
   * @param {Context} context
   * @param {Box} box
   */
  #paintPath(context, box) {
    const { pathY } = this.#scenery;
    const from = Math.floor((box.left - 60) / 14) * 14;
    for (const [colour, radius, salt] of /** @type {[string, number, number][]} */ ([
      [PALETTE.path_edge, 31, 60],
      [PALETTE.path, 27, 61],
    ])) {
      for (let x = from; x < box.right + 60; x += 14) {
        ellipse(context, colour, x, pathY(x) + (chance(x, 1, salt) - 0.5) * 10, radius + chance(x, 2, salt) * 9, radius * 0.72);
      }
    }
    for (let x = from; x < box.right + 60; x += 14) {
      const pebble = chance(x, 3, 62);
      if (pebble < 0.5) ellipse(context, '#cdb98a', x + pebble * 20, pathY(x) + (chance(x, 4, 62) - 0.5) * 34, 2 + pebble * 4, 1.6 + pebble * 2);
    }
  }

  /**
   * @param {Context} context
   * @param {Box} box
   */
  #paintForestFloor(context, box) {
    const { width, height } = this.#field;
    context.fillStyle = PALETTE.forest;
    context.beginPath();
    context.rect(-FOREST * 2, -FOREST * 2, width + FOREST * 4, height + FOREST * 4);
    context.roundRect(-EDGE.side, -EDGE.top, width + EDGE.side * 2, height + EDGE.top + EDGE.bottom, 70);
    context.fill('evenodd');
    for (const { x, y, salt } of edgePoints(width, height)) {
      if (x < box.left - 70 || x > box.right + 70 || y < box.top - 50 || y > box.bottom + 50) continue;
      ellipse(context, PALETTE.forest, x, y, 30 + chance(salt, 70) * 22, 16 + chance(salt, 71) * 14);
    }
    for (const { x, y, a, b } of cells(box, 52, 60)) {
      if (x > -66 && x < width + 66 && y > -60 && y < height + 102) continue;
      ellipse(context, 'rgba(70, 124, 66, 0.4)', x, y, 24 + chance(a, b, 72) * 22, 15 + chance(a, b, 73) * 12);
    }
  }

  /**
   * @param {Context} context
   * @param {Box} box
   * @param {import('./scenery.js').Pond} pond
   */
  #paintPond(context, box, { x, y, rx, ry }) {
    if (x + rx < box.left - 60 || x - rx > box.right + 60 || y + ry < box.top - 60 || y - ry > box.bottom + 60) return;
    ellipse(context, 'rgba(98, 160, 82, 0.8)', x, y + 4, rx + 26, ry + 22);
    ellipse(context, PALETTE.bank, x, y + 2, rx + 14, ry + 12);
    ellipse(context, '#c3ad75', x, y - 2, rx + 6, ry + 6);
    const depth = context.createRadialGradient(x, y + ry * 0.2, ry * 0.2, x, y, rx);
    depth.addColorStop(0, PALETTE.water_deep);
    depth.addColorStop(0.75, PALETTE.water);
    depth.addColorStop(1, '#a9dfe6');
    context.beginPath();
    context.ellipse(x, y, rx, ry, 0, 0, Math.PI * 2);
    context.fillStyle = depth;
    context.fill();
    for (let i = 0; i < 9; i += 1) {
      const angle = chance(i, 80) * Math.PI * 2;
      const far = 0.35 + chance(i, 81) * 0.5;
      ellipse(context, '#6aa964', x + Math.cos(angle) * rx * far, y + Math.sin(angle) * ry * far, 15 + chance(i, 82) * 8, 7 + chance(i, 83) * 3);
    }
  }

  /**
   * Short blades, clover and tiny blossoms that nobody can pick.
   *
   * @param {Context} context
   * @param {Box} box
   */
  #paintBlades(context, box) {
    const { ponds, pathY } = this.#scenery;
    context.lineCap = 'round';
    for (const { x, y, a, b } of cells(box, 21, 14)) {
      const kind = chance(a, b, 90);
      if (kind > 0.72 || isInWater(ponds, x, y, 16) || Math.abs(y - pathY(x)) < 26) continue;
      if (kind < 0.055) {
        const colour = kind < 0.02 ? '#fffdf0' : kind < 0.035 ? '#f7d774' : '#e9b7d6';
        for (let i = 0; i < 4; i += 1) {
          ellipse(context, colour, x + Math.cos(i * 1.57) * 1.9, y + Math.sin(i * 1.57) * 1.5, 1.5, 1.2);
        }
        ellipse(context, '#e8a73c', x, y, 1);
        continue;
      }
      context.strokeStyle = kind < 0.4 ? 'rgba(84, 146, 70, 0.5)' : 'rgba(214, 236, 150, 0.6)';
      context.lineWidth = 1.5;
      const lean = (chance(a, b, 91) - 0.5) * 6;
      for (const blade of kind < 0.2 ? [-3, 0, 3] : [0, 2.6]) {
        context.beginPath();
        context.moveTo(x + blade, y);
        context.quadraticCurveTo(x + blade, y - 4, x + blade * 1.7 + lean, y - 6 - chance(a, b, 92 + blade) * 4);
        context.stroke();
      }
    }
  }
}

/**
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box
 */

/**
 * Where tufts of the forest grow over its edge, so that it does not end in a line.
 *
 * @param {number} width of the field
 * @param {number} height
 */
function* edgePoints(width, height) {
  const step = 38;
  for (let x = -EDGE.side; x < width + EDGE.side; x += step) {
    yield { x, y: -EDGE.top - 4, salt: x };
    yield { x, y: height + EDGE.bottom + 4, salt: x + 7_000 };
  }
  for (let y = -EDGE.top; y < height + EDGE.bottom; y += step) {
    yield { x: -EDGE.side - 12, y, salt: y + 14_000 };
    yield { x: width + EDGE.side + 12, y, salt: y + 21_000 };
  }
}

/**
 * One jittered point for each cell of a grid, of those that can be seen from the box.
 *
 * @param {Box} box
 * @param {number} step
 * @param {number} reach
 */
function* cells(box, step, reach) {
  for (let b = Math.floor((box.top - reach) / step); b * step < box.bottom + reach; b += 1) {
    for (let a = Math.floor((box.left - reach) / step); a * step < box.right + reach; a += 1) {
      yield { x: (a + chance(a, b, 10)) * step, y: (b + chance(a, b, 11)) * step, a, b };
    }
  }
}
