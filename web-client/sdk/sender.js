import { SwardError, asSwardError } from './errors.js';
import { UpstreamQueue } from './upstream-queue.js';

/**
 * Posts what the queue holds: the queue decides, this file owns the request and the timer.
 *
 * @typedef {object} SenderHooks
 * @property {(body: string) => Promise<Record<string, unknown>>} post
 * @property {() => string | null} ack
 * @property {() => number} heartbeat_ms
 * @property {(elapsed_ms: number) => void} answered after each answer: a round trip
 * @property {() => void} session_gone the server does not know the session any more
 * @property {(error: SwardError, message: {type: string, data: unknown}) => void} error a message without a request failed
 */
export class Sender {
  #hooks;
  #queue;
  #open = false;
  #generation = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #flush_queued = false;

  /**
   * @param {string} nonce
   * @param {SenderHooks} hooks
   */
  constructor(nonce, hooks) {
    this.#queue = new UpstreamQueue(nonce);
    this.#hooks = hooks;
  }

  get queue() {
    return this.#queue;
  }

  /** @param {import('./upstream-queue.js').Message} message */
  push(message) {
    this.#queue.push(message);
    this.#flushSoon();
  }

  /** There is a session: posts may go. */
  open() {
    this.#open = true;
    this.poll();
  }

  /** Nothing is posted until `open`; what waits goes on waiting. */
  pause() {
    this.#open = false;
    clearTimeout(this.#timer);
  }

  /**
   * The session was replaced by a new one. Nothing goes until `resume`: the room comes first.
   */
  restart() {
    this.#generation += 1;
    this.#queue.hold();
    this.#settle(this.#queue.restart(new SwardError('session_gone', 'the session ended before the answer')));
  }

  resume() {
    this.#queue.release();
    this.poll();
  }

  /** @param {SwardError} error what the waiting requests are told */
  close(error) {
    this.pause();
    this.#generation += 1;
    this.#settle(this.#queue.clear(error));
  }

  /** Sends what may be sent now. Called on events too, because a hidden page's timers hardly run. */
  poll() {
    if (!this.#open) return;
    clearTimeout(this.#timer);
    const now_ms = Date.now();
    const ack = this.#hooks.ack();
    const heartbeat_ms = this.#hooks.heartbeat_ms();
    const body = this.#queue.next(now_ms, ack, heartbeat_ms);
    if (body !== null) {
      void this.#post(body);
      return;
    }
    const wake_ms = this.#queue.wakeAt(now_ms, ack, heartbeat_ms);
    if (wake_ms !== null) this.#timer = setTimeout(() => this.poll(), Math.max(1, wake_ms - now_ms));
  }

  /** Messages of one turn of the event loop share a batch. */
  #flushSoon() {
    if (this.#flush_queued) return;
    this.#flush_queued = true;
    queueMicrotask(() => {
      this.#flush_queued = false;
      this.poll();
    });
  }

  /** @param {string} body */
  async #post(body) {
    const generation = this.#generation;
    const sent_ms = performance.now();
    let settled;
    try {
      const answer = await this.#hooks.post(body);
      if (generation !== this.#generation) return;
      this.#hooks.answered(performance.now() - sent_ms);
      settled = this.#queue.answered(answer);
    } catch (thrown) {
      if (generation !== this.#generation) return;
      const error = asSwardError(thrown);
      if (error.status === 410 || error.status === 401) {
        this.#hooks.session_gone();
        return;
      }
      settled = this.#queue.failed(error, Date.now(), Math.random());
    }
    this.#settle(settled);
    this.poll();
  }

  /** @param {import('./upstream-queue.js').Outcome[]} settled */
  #settle(settled) {
    for (const { message, answer } of settled) {
      if (message.settle) message.settle(answer);
      else if ('error' in answer) this.#hooks.error(answer.error, { type: message.type, data: message.data });
    }
  }
}
