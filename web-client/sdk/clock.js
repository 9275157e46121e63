/**
 * The server's clock, as well as it can be known without a request of its own.
 *
 * Every `time_ms` on the stream is a lower bound of the offset, because the event cannot arrive before it was written:
 * `offset >= time_ms - received_ms`. The largest of the recent ones had the smallest delay. Half of the shortest round
 * trip is added as that delay.
 */

const SAMPLES_MAX = 16;

export class Clock {
  /** @type {number[]} */
  #bounds_ms = [];
  /** @type {number[]} */
  #round_trips_ms = [];

  /**
   * @param {number} server_ms a `time_ms` from the stream
   * @param {number} received_ms the local clock then
   */
  heard(server_ms, received_ms) {
    keep(this.#bounds_ms, server_ms - received_ms);
  }

  /** @param {number} elapsed_ms from a request to its answer */
  roundTrip(elapsed_ms) {
    if (elapsed_ms >= 0) keep(this.#round_trips_ms, elapsed_ms);
  }

  /** The median of the recent round trips in ms; null before the first. */
  get rtt_ms() {
    const sorted = [...this.#round_trips_ms].sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? null;
  }

  /** What to add to the local clock; 0 before anything was heard. */
  get offset_ms() {
    if (this.#bounds_ms.length === 0) return 0;
    const shortest_ms = this.#round_trips_ms.length === 0 ? 0 : Math.min(...this.#round_trips_ms);
    return Math.max(...this.#bounds_ms) + shortest_ms / 2;
  }

  /** @param {number} [now_ms] the local clock */
  serverNow(now_ms = Date.now()) {
    return now_ms + this.offset_ms;
  }
}

/**
 * @param {number[]} samples
 * @param {number} sample
 */
function keep(samples, sample) {
  if (!Number.isFinite(sample)) return;
  samples.push(sample);
  if (samples.length > SAMPLES_MAX) samples.shift();
}
