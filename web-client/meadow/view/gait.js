/**
 * How each animal moves its legs, from nothing but where it is drawn in each frame. So it fits what is seen, for one's
 * own animal and for the others alike.
 *
 * @typedef {{x: number, y: number, stride: number, pace: number, facing: 1 | -1}} Step
 */

/** Radians of the walk for each unit of way. */
const STRIDE = 0.052;

/** Slower than this is drift, not a walk. */
const SPEED_MIN = 18;

export class Gait {
  /** @type {Map<number, Step>} */
  #steps = new Map();

  /**
   * @param {number} seat
   * @param {{x: number, y: number}} spot
   * @param {number} elapsed_s
   * @returns {Step}
   */
  step(seat, { x, y }, elapsed_s) {
    const step = this.#steps.get(seat) ?? { x, y, stride: 0, pace: 0, facing: /** @type {1 | -1} */ (1) };
    this.#steps.set(seat, step);
    const dx = x - step.x;
    const way = Math.hypot(dx, y - step.y);
    const speed = elapsed_s > 0 ? way / elapsed_s : 0;
    const walking = speed > SPEED_MIN && way < 200;
    step.pace += ((walking ? 1 : 0) - step.pace) * Math.min(1, elapsed_s * 12);
    if (walking) {
      step.stride += way * STRIDE;
      if (Math.abs(dx) > way * 0.2) step.facing = dx > 0 ? 1 : -1;
    }
    step.x = x;
    step.y = y;
    return step;
  }

  /** @param {(seat: number) => boolean} isHere */
  forget(isHere) {
    for (const seat of this.#steps.keys()) if (!isHere(seat)) this.#steps.delete(seat);
  }
}
