/**
 * How long the way to the server and back takes, from a few pings. Pure: times go in.
 *
 * The first figures are wanted within seconds, so they are asked for in quick succession, but not while the page is
 * still busy with starting: what is measured then is the page, not the network.
 */

const SETTLE_MS = 600;
const FIRST_EVERY_MS = 700;
const EVERY_MS = 5_000;

/** Fewer samples than this say nothing; more than the maximum are too old. */
const SAMPLES_MIN = 3;
const SAMPLES_MAX = 5;

export class Latency {
  /** @type {number[]} */
  #samples_ms = [];
  #due_ms = Infinity;
  #waiting = false;
  #round = 0;

  /**
   * Begins anew: another connection is another way.
   *
   * @param {number} now_ms
   */
  restart(now_ms) {
    this.#samples_ms = [];
    this.#due_ms = now_ms + SETTLE_MS;
    this.#waiting = false;
    this.#round += 1;
  }

  /**
   * @param {number} now_ms
   * @returns {number | null} the round of the ping that is to be sent now, which goes back into `heard` or `failed`
   */
  begin(now_ms) {
    if (this.#waiting || now_ms < this.#due_ms) return null;
    this.#waiting = true;
    const first = this.#samples_ms.length < SAMPLES_MIN;
    this.#due_ms = now_ms + (first ? FIRST_EVERY_MS : EVERY_MS);
    return this.#round;
  }

  /**
   * @param {number} round
   * @param {number} elapsed_ms
   */
  heard(round, elapsed_ms) {
    // A ping that waited for the connection to come back measured the waiting.
    if (round !== this.#round) return;
    this.#waiting = false;
    this.#samples_ms.push(elapsed_ms);
    if (this.#samples_ms.length > SAMPLES_MAX) this.#samples_ms.shift();
  }

  /**
   * @param {number} round
   * @param {number} now_ms
   */
  failed(round, now_ms) {
    if (round !== this.#round) return;
    this.#waiting = false;
    this.#due_ms = now_ms + EVERY_MS;
  }

  /** The median of the recent round trips; null until there are enough of them. */
  get median_ms() {
    if (this.#samples_ms.length < SAMPLES_MIN) return null;
    const sorted = [...this.#samples_ms].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }
}
