/**
 * The own animal: it moves at once, and the server is told where to. Pure.
 *
 * The server decides how far an animal really came. A `placed` from it moves the true position at once, while the
 * drawn one glides there, so that a correction is not seen as a jerk.
 *
 * @typedef {{x: number, y: number}} Spot
 * @typedef {{direction: Spot} | {target: Spot} | null} Intent a direction of length ≤ 1, or a spot to go to
 */

/** A little slower than allowed: the server's clock and this one never agree to the millisecond. */
const SPEED_PART = 0.97;

/** 20 `move` a second. */
const SEND_MS = 50;

/** The part of a correction that is left after a second. */
const GLIDE_LEFT = 0.002;

/** A correction beyond this is shown at once: gliding across half the field would look like flying. */
const GLIDE_MAX = 320;

/** A frame is never taken for longer than this: a page that slept does not leap. */
const FRAME_S_MAX = 0.1;

export class Walker {
  x = 0;
  y = 0;
  moving = false;
  #bounds = { width: 0, height: 0, speed: 0 };
  #offset = { x: 0, y: 0 };
  /** @type {Spot} */
  #sent = { x: 0, y: 0 };
  #sent_ms = -Infinity;
  #moved_ms = -Infinity;

  /**
   * @param {Spot} spot
   * @param {{width: number, height: number, speed: number}} bounds
   */
  constructor(spot, { width, height, speed }) {
    this.#bounds = { width, height, speed };
    this.x = spot.x;
    this.y = spot.y;
    this.#sent = { x: spot.x, y: spot.y };
  }

  /** Where to draw it. */
  get drawn() {
    return { x: this.x + this.#offset.x, y: this.y + this.#offset.y };
  }

  /**
   * @param {Intent} intent
   * @param {number} elapsed_s
   * @param {number} now_ms
   * @returns {boolean} whether a target was reached
   */
  step(intent, elapsed_s, now_ms) {
    const seconds = Math.min(FRAME_S_MAX, Math.max(0, elapsed_s));
    const left = GLIDE_LEFT ** seconds;
    this.#offset.x *= left;
    this.#offset.y *= left;
    const way = this.#bounds.speed * SPEED_PART * seconds;
    const from = { x: this.x, y: this.y };
    const reached = this.#go(intent, way);
    this.x = clamp(this.x, this.#bounds.width);
    this.y = clamp(this.y, this.#bounds.height);
    this.moving = Math.hypot(this.x - from.x, this.y - from.y) > way * 0.05;
    if (this.moving) this.#moved_ms = now_ms;
    return reached;
  }

  /**
   * @param {number} now_ms
   * @returns {Spot | null} what to tell the server now
   */
  moveToSend(now_ms) {
    const spot = { x: tenth(this.x), y: tenth(this.y) };
    if (now_ms - this.#sent_ms < SEND_MS || (spot.x === this.#sent.x && spot.y === this.#sent.y)) return null;
    this.#sent = spot;
    this.#sent_ms = now_ms;
    return spot;
  }

  /**
   * The server says where the animal is.
   *
   * @param {Spot} spot
   */
  place({ x, y }) {
    const drawn = this.drawn;
    this.x = clamp(x, this.#bounds.width);
    this.y = clamp(y, this.#bounds.height);
    this.#sent = { x: tenth(this.x), y: tenth(this.y) };
    const far = Math.hypot(drawn.x - this.x, drawn.y - this.y) > GLIDE_MAX;
    this.#offset = far ? { x: 0, y: 0 } : { x: drawn.x - this.x, y: drawn.y - this.y };
  }

  /** @param {number} now_ms @returns {number} how long it has stood still */
  restedFor(now_ms) {
    return now_ms - Math.max(this.#moved_ms, this.#sent_ms);
  }

  /**
   * @param {Intent} intent
   * @param {number} way
   * @returns {boolean}
   */
  #go(intent, way) {
    if (!intent) return false;
    if ('direction' in intent) {
      const { x, y } = intent.direction;
      const length = Math.max(1, Math.hypot(x, y));
      this.x += (x / length) * way;
      this.y += (y / length) * way;
      return false;
    }
    const dx = intent.target.x - this.x;
    const dy = intent.target.y - this.y;
    const distance = Math.hypot(dx, dy);
    if (distance <= way || distance === 0) {
      this.x = intent.target.x;
      this.y = intent.target.y;
      return true;
    }
    this.x += (dx / distance) * way;
    this.y += (dy / distance) * way;
    return false;
  }
}

/**
 * @param {number} value
 * @param {number} max
 */
function clamp(value, max) {
  return Math.min(max, Math.max(0, value));
}

/** @param {number} value */
function tenth(value) {
  return Math.round(value * 10) / 10;
}
