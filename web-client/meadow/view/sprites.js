import { PICTURES } from './trees.js';

/**
 * The scenery's pictures, drawn once for the current scale and then only copied.
 */
export class Sprites {
  #scale = 0;
  /** @type {Map<string, HTMLCanvasElement>} */
  #canvases = new Map();

  /**
   * @param {CanvasRenderingContext2D} context in field units
   * @param {import('./scenery.js').Thing} thing
   * @param {number} wind −1 to 1
   * @param {number} scale device pixels per unit
   */
  draw(context, { kind, x, y, scale: size, flip }, wind, scale) {
    if (scale !== this.#scale) {
      this.#scale = scale;
      this.#canvases.clear();
    }
    const picture = PICTURES[kind];
    context.save();
    context.translate(x, y);
    context.transform(flip ? -size : size, 0, -wind * picture.sway, size, 0, 0);
    context.drawImage(this.#canvas(kind), -picture.width / 2, -picture.height, picture.width, picture.height + picture.below);
    context.restore();
  }

  /** @param {import('./trees.js').SceneryKind} kind */
  #canvas(kind) {
    const known = this.#canvases.get(kind);
    if (known) return known;
    const { draw, width, height, below } = PICTURES[kind];
    const canvas = document.createElement('canvas');
    canvas.width = Math.ceil(width * this.#scale);
    canvas.height = Math.ceil((height + below) * this.#scale);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    context.scale(canvas.width / width, canvas.height / (height + below));
    context.translate(width / 2, height);
    draw(context);
    this.#canvases.set(kind, canvas);
    return canvas;
  }
}
