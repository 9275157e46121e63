/**
 * Smooth movement from positions that arrive in steps: everybody else is drawn a little in the past, between two
 * positions that are both known, so that neither the tick of the server nor the jitter of the network is seen.
 */

const POINTS_MAX = 40;

/**
 * Maps the server's ticks to the local clock. A patch is never early, so the fastest of the recent ones shows when
 * its tick really was; the late ones are jitter.
 */
export class Timeline {
  #tick_ms;
  /** @type {number[]} */
  #lags_ms = [];

  /** @param {number} tick_ms how long one tick is */
  constructor(tick_ms) {
    this.#tick_ms = tick_ms;
  }

  /**
   * @param {number} tick
   * @param {number} now_ms
   */
  heard(tick, now_ms) {
    this.#lags_ms.push(now_ms - tick * this.#tick_ms);
    if (this.#lags_ms.length > POINTS_MAX) this.#lags_ms.shift();
  }

  /**
   * @param {number} tick
   * @returns {number} the moment of that tick on the timeline
   */
  timeOf(tick) {
    return tick * this.#tick_ms;
  }

  /**
   * @param {number} now_ms
   * @param {number} delay_ms how far in the past to draw
   * @returns {number} the moment of the timeline to draw now
   */
  playhead(now_ms, delay_ms) {
    const lag_ms = this.#lags_ms.length === 0 ? 0 : Math.min(...this.#lags_ms);
    return now_ms - lag_ms - delay_ms;
  }
}

/**
 * The recent positions of one thing.
 *
 * @typedef {{time_ms: number, x: number, y: number}} Point
 */
export class Track {
  /** @type {Point[]} */
  #points = [];
  #step_ms;

  /**
   * @param {number} step_ms the usual time between two positions of something that moves. A longer silence means that
   *   it stood still until one step before the new position, and did not creep there all the while.
   */
  constructor(step_ms) {
    this.#step_ms = step_ms;
  }

  /**
   * @param {number} time_ms
   * @param {number} x
   * @param {number} y
   */
  push(time_ms, x, y) {
    const last = this.#points.at(-1);
    if (last && time_ms <= last.time_ms) {
      last.x = x;
      last.y = y;
      return;
    }
    if (last && time_ms - last.time_ms > this.#step_ms * 3) {
      this.#points.push({ time_ms: time_ms - this.#step_ms, x: last.x, y: last.y });
    }
    this.#points.push({ time_ms, x, y });
    while (this.#points.length > POINTS_MAX) this.#points.shift();
  }

  /**
   * @param {number} time_ms
   * @returns {{x: number, y: number, dx: number, dy: number}} where it is, and its speed in units per second
   */
  at(time_ms) {
    const points = this.#points;
    const last = points.at(-1);
    if (!last) return { x: 0, y: 0, dx: 0, dy: 0 };
    if (time_ms >= last.time_ms) return { x: last.x, y: last.y, dx: 0, dy: 0 };
    for (let i = points.length - 2; i >= 0; i -= 1) {
      const from = /** @type {Point} */ (points[i]);
      const to = /** @type {Point} */ (points[i + 1]);
      if (time_ms < from.time_ms) continue;
      const span_ms = to.time_ms - from.time_ms;
      const part = (time_ms - from.time_ms) / span_ms;
      return {
        x: from.x + (to.x - from.x) * part,
        y: from.y + (to.y - from.y) * part,
        dx: ((to.x - from.x) / span_ms) * 1_000,
        dy: ((to.y - from.y) / span_ms) * 1_000,
      };
    }
    const first = /** @type {Point} */ (points[0]);
    return { x: first.x, y: first.y, dx: 0, dy: 0 };
  }
}
