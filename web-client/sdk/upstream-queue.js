import { retryDelay } from './backoff.js';
import { SwardError, isTransient } from './errors.js';
import { isCount, isObject, textOr } from './shape.js';

/**
 * What still has to go up, in order, exactly once in effect. Pure: it is told what was answered and what time it is,
 * and says which body to post next.
 *
 * One batch is under way at a time. It keeps its `seq` until it is answered, so a lost answer is simply asked for
 * again and the server skips what it has applied.
 *
 * @typedef {string | {name: string, scope: 'seat' | 'room'}} Keep a name alone is one of the author's seat
 *
 * @typedef {object} Message
 * @property {string} type
 * @property {unknown} data
 * @property {number | 'all' | undefined} to
 * @property {string | undefined} latest a newer message of this key replaces one that still waits
 * @property {Keep} [keep]
 * @property {((answer: {data: unknown} | {error: SwardError}) => void) | undefined} settle for a request: its one reply
 *
 * @typedef {{json: string, bytes: number, rid: number | null, message: Message}} Item
 *
 * @typedef {{message: Message, answer: {data: unknown} | {error: SwardError}}} Outcome
 */

/** About ten seconds of the 100 messages a second that a session may send; past it `push` throws `queue_full`. */
export const WAITING_MAX = 1_000;

/** How often a batch is sent again because the server misses one before it. */
const GAP_RETRIES_MAX = 5;
const GAP_RETRY_MS = 200;

/** What surrounds the messages in a body: `src`, `seq`, `ack`, brackets. */
const ENVELOPE_BYTES = 160;

/** While events arrive the window is trimmed at least this often. */
const ACK_MS = 10_000;

/** The first sign of life goes this soon: from then on the server knows that silence means a lost player. */
const FIRST_ACK_MS = 2_500;

const encoder = new TextEncoder();

export class UpstreamQueue {
  #limits = { batch_messages_max: 100, batch_bytes_max: 32_768 };
  #src;
  #sources = 0;
  #next_seq = 1;
  #next_rid = 1;
  /** @type {Item[]} */
  #waiting = [];
  /** @type {{seq: number, items: Item[]} | null} */
  #batch = null;
  #under_way = false;
  #held = false;
  #failures = 0;
  #gaps = 0;
  #not_before_ms = 0;
  #sent_ms = 0;
  /** @type {string | null} */
  #acked = null;
  #acked_ms = 0;
  #ack_lost = false;

  /** @param {string} nonce ≤ 24 characters, another one for each page */
  constructor(nonce) {
    this.#src = nonce;
  }

  /** @param {{batch_messages_max: number, batch_bytes_max: number}} limits */
  setLimits(limits) {
    this.#limits = limits;
  }

  /** Messages that the server has not answered. */
  get length() {
    return this.#waiting.length + (this.#batch?.items.length ?? 0);
  }

  /**
   * @param {Message} message
   * @throws {SwardError} `queue_full`, `message_too_large`, or `bad_payload` when `data` is no JSON
   */
  push(message) {
    const replaced = this.#replaceable(message);
    const rid = message.settle ? this.#next_rid : null;
    const json = encode(message, rid);
    const bytes = encoder.encode(json).length;
    if (bytes + ENVELOPE_BYTES > this.#limits.batch_bytes_max) {
      throw new SwardError('message_too_large', `a message of ${bytes} bytes never fits a batch`);
    }
    if (replaced >= 0) this.#waiting.splice(replaced, 1);
    else if (this.#waiting.length >= WAITING_MAX) throw new SwardError('queue_full', 'too many messages wait');
    if (rid !== null) this.#next_rid += 1;
    this.#waiting.push({ json, bytes, rid, message });
  }

  /**
   * The body to post now, or null. After a body the queue waits for `answered` or `failed`.
   *
   * @param {number} now_ms
   * @param {string | null} ack id of the last event that was processed
   * @param {number} heartbeat_ms
   */
  next(now_ms, ack, heartbeat_ms) {
    if (this.#sent_ms === 0) {
      this.#sent_ms = now_ms + FIRST_ACK_MS - heartbeat_ms * 3;
      this.#acked_ms = now_ms;
    }
    if (this.#under_way || this.#held || now_ms < this.#not_before_ms) return null;
    this.#batch ??= this.#takeBatch();
    if (!this.#batch && !this.#ackIsDue(now_ms, ack, heartbeat_ms)) return null;
    this.#under_way = true;
    this.#ack_lost = false;
    this.#sent_ms = now_ms;
    if (ack !== null && ack !== this.#acked) {
      this.#acked = ack;
      this.#acked_ms = now_ms;
    }
    const head = ack === null ? {} : { ack };
    if (!this.#batch) return JSON.stringify({ ...head, msgs: [] });
    const envelope = JSON.stringify({ src: this.#source(), seq: this.#batch.seq, ...head });
    return `${envelope.slice(0, -1)},"msgs":[${this.#batch.items.map((item) => item.json).join(',')}]}`;
  }

  /**
   * @param {number} now_ms
   * @param {string | null} ack
   * @param {number} heartbeat_ms
   * @returns {number | null} when `next` may have something to say again; null while an answer is awaited
   */
  wakeAt(now_ms, ack, heartbeat_ms) {
    if (this.#under_way || this.#held) return null;
    if (this.#batch || this.#waiting.length > 0) return Math.max(now_ms, this.#not_before_ms);
    const beats_ms = this.#ack_lost ? 0 : this.#sent_ms + heartbeat_ms * 3;
    const ack_ms = ack !== this.#acked ? this.#acked_ms + ACK_MS : Infinity;
    return Math.max(now_ms, this.#not_before_ms, Math.min(beats_ms, ack_ms));
  }

  /**
   * @param {Record<string, unknown>} answer a 200's body
   * @returns {Outcome[]}
   */
  answered(answer) {
    this.#under_way = false;
    this.#failures = 0;
    const batch = this.#batch;
    if (!batch) return [];
    this.#settleBatch(batch.seq + batch.items.length);
    return outcomes(batch.items, answer.replies);
  }

  /**
   * @param {SwardError} error
   * @param {number} now_ms
   * @param {number} random
   * @returns {Outcome[]} what will not be tried again
   */
  failed(error, now_ms, random) {
    this.#under_way = false;
    if (error.code === 'gap') return this.#gap(error, now_ms);
    if (isTransient(error)) {
      // A bare ack that the server did not hear is due again: it calls the player away two beats from now.
      this.#ack_lost = this.#batch === null;
      this.#not_before_ms = now_ms + retryDelay(error.retry_after_ms, this.#failures, random);
      this.#failures += 1;
      return [];
    }
    this.#failures = 0;
    // Nothing was applied and no number used, so the next batch begins with the same one.
    return this.#dropBatch(error);
  }

  /** Stops sending, while there is no session or no room to send to. */
  hold() {
    this.#held = true;
  }

  release() {
    this.#held = false;
    this.#not_before_ms = 0;
  }

  /**
   * A new session knows none of the old numbers. What was under way may or may not have been applied in the old one
   * and is given back; what waited is still to be sent.
   *
   * @param {SwardError} error
   * @returns {Outcome[]}
   */
  restart(error) {
    const dropped = this.#dropBatch(error);
    this.#renumber();
    this.#under_way = false;
    this.#failures = 0;
    this.#not_before_ms = 0;
    this.#acked = null;
    return dropped;
  }

  /**
   * @param {SwardError} error
   * @returns {Outcome[]} everything that was not answered
   */
  clear(error) {
    const waiting = this.#waiting.splice(0).map((item) => ({ message: item.message, answer: { error } }));
    return [...this.#dropBatch(error), ...waiting];
  }

  /**
   * Where the message replaces one of its key. It never moves past a message without a key: what was said before
   * that one stays said before it.
   *
   * @param {Message} message
   */
  #replaceable({ latest }) {
    if (latest === undefined) return -1;
    for (let i = this.#waiting.length - 1; i >= 0; i -= 1) {
      const waiting = this.#waiting[i]?.message;
      if (waiting?.latest === undefined) return -1;
      if (waiting.latest === latest) return i;
    }
    return -1;
  }

  #takeBatch() {
    const { batch_messages_max, batch_bytes_max } = this.#limits;
    let bytes = ENVELOPE_BYTES;
    let count = 0;
    for (const item of this.#waiting) {
      bytes += item.bytes + 1;
      if (count >= batch_messages_max || (count > 0 && bytes > batch_bytes_max)) break;
      count += 1;
    }
    return count === 0 ? null : { seq: this.#next_seq, items: this.#waiting.splice(0, count) };
  }

  /**
   * @param {number} now_ms
   * @param {string | null} ack
   * @param {number} heartbeat_ms
   */
  #ackIsDue(now_ms, ack, heartbeat_ms) {
    if (this.#ack_lost || now_ms - this.#sent_ms >= heartbeat_ms * 3) return true;
    return ack !== null && ack !== this.#acked && now_ms - this.#acked_ms >= ACK_MS;
  }

  /**
   * The server misses what came before. Sending again cures it while the missing numbers are still held here; else
   * only a new count can.
   *
   * @param {SwardError} error
   * @param {number} now_ms
   */
  #gap(error, now_ms) {
    const held = this.#batch !== null && error.expected !== null && error.expected >= this.#batch.seq;
    this.#gaps += 1;
    if (held && this.#gaps <= GAP_RETRIES_MAX) {
      this.#not_before_ms = now_ms + GAP_RETRY_MS;
      return [];
    }
    const dropped = this.#dropBatch(error);
    this.#renumber();
    return dropped;
  }

  /** @param {number} next_seq */
  #settleBatch(next_seq) {
    this.#batch = null;
    this.#gaps = 0;
    this.#next_seq = next_seq;
  }

  /**
   * @param {SwardError} error
   * @returns {Outcome[]}
   */
  #dropBatch(error) {
    const items = this.#batch?.items ?? [];
    this.#batch = null;
    this.#gaps = 0;
    return items.map((item) => ({ message: item.message, answer: { error } }));
  }

  #renumber() {
    this.#sources += 1;
    this.#next_seq = 1;
  }

  #source() {
    return this.#sources === 0 ? this.#src : `${this.#src}.${this.#sources}`;
  }
}

/**
 * @param {Message} message
 * @param {number | null} rid
 */
function encode({ type, data, to, keep }, rid) {
  let json;
  try {
    json = JSON.stringify({ type, data: data ?? null, to, keep, rid: rid ?? undefined });
  } catch (error) {
    throw new SwardError('bad_payload', error instanceof Error ? error.message : String(error));
  }
  // JSON.stringify writes half a surrogate pair as an escape; to the server that is malformed JSON, and it would
  // refuse the whole batch for it.
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(json)) {
    throw new SwardError('bad_payload', 'the message holds half a surrogate pair');
  }
  return json;
}

/** @param {Record<string, unknown>} error */
const refusal = ({ code, detail, retry_after_ms: wait }) =>
  new SwardError(textOr(code, 'unknown'), textOr(detail), { status: 422, retry_after_ms: isCount(wait) ? wait : null });

/**
 * @param {Item[]} items
 * @param {unknown} replies
 * @returns {Outcome[]}
 */
function outcomes(items, replies) {
  /** @type {Map<number, Outcome['answer']>} */
  const by_index = new Map();
  for (const reply of Array.isArray(replies) ? replies : []) {
    if (!isObject(reply) || !isCount(reply.i)) continue;
    const error = isObject(reply.error) ? reply.error : null;
    by_index.set(
      reply.i,
      error
        ? { error: refusal(error) }
        : { data: reply.data ?? null },
    );
  }
  const settled = [];
  for (const [index, { message, rid }] of items.entries()) {
    const answer = by_index.get(index);
    if (answer) settled.push({ message, answer });
    else if (rid !== null) {
      settled.push({ message, answer: { error: new SwardError('no_reply', 'the server did not reply') } });
    }
  }
  return settled;
}
