/**
 * Which part of the field is seen. Pure. It follows the own animal softly and never looks far beyond the edge.
 *
 * @typedef {{left: number, top: number, right: number, bottom: number}} View in field units
 */

/** A screen of this many CSS pixels shows the field at its natural size. */
const NATURAL_PIXELS = 1_080 * 700;

/** Below one half: a larger screen shows larger animals, and also more of the field. */
const ZOOM_EXPONENT = 0.36;

const ZOOM_MIN = 0.78;
const ZOOM_MAX = 2;

/** The part of the way to the animal that is left after a second. */
const LAG_LEFT = 0.0015;

export class Camera {
  x = 0;
  y = 0;
  zoom = 1;
  width_px = 1;
  height_px = 1;

  /**
   * @param {number} width_px CSS pixels
   * @param {number} height_px
   */
  resize(width_px, height_px) {
    this.width_px = Math.max(1, width_px);
    this.height_px = Math.max(1, height_px);
    const natural = ((this.width_px * this.height_px) / NATURAL_PIXELS) ** ZOOM_EXPONENT;
    this.zoom = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, natural));
  }

  /**
   * @param {{x: number, y: number}} spot
   * @param {{width: number, height: number}} field
   * @param {number} margin how far to look beyond the field
   * @param {number} elapsed_s Infinity goes there at once
   */
  follow(spot, field, margin, elapsed_s) {
    const left = LAG_LEFT ** elapsed_s;
    const x = spot.x + (this.x - spot.x) * left;
    const y = spot.y + (this.y - spot.y) * left;
    this.x = keepInside(x, this.width_px / this.zoom, field.width, margin);
    this.y = keepInside(y, this.height_px / this.zoom, field.height, margin);
  }

  /** @returns {View} */
  get view() {
    const half_x = this.width_px / this.zoom / 2;
    const half_y = this.height_px / this.zoom / 2;
    return { left: this.x - half_x, top: this.y - half_y, right: this.x + half_x, bottom: this.y + half_y };
  }

  /**
   * @param {number} x_px
   * @param {number} y_px
   * @returns {{x: number, y: number}}
   */
  toField(x_px, y_px) {
    const { left, top } = this.view;
    return { x: left + x_px / this.zoom, y: top + y_px / this.zoom };
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  toScreen(x, y) {
    const { left, top } = this.view;
    return { x: (x - left) * this.zoom, y: (y - top) * this.zoom };
  }
}

/**
 * @param {number} centre
 * @param {number} seen
 * @param {number} length of the field
 * @param {number} margin
 */
function keepInside(centre, seen, length, margin) {
  const min = seen / 2 - margin;
  const max = length + margin - seen / 2;
  return min > max ? length / 2 : Math.min(max, Math.max(min, centre));
}
