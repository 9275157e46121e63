/**
 * How far the stream was read: what `last=` and `ack` say, and which events are repeats.
 *
 * Ids are `<epoch>.<seq>`. Within one epoch the numbers rise, so an event that is not above the last one has been seen.
 */
export class Cursor {
  /** @type {string | null} */
  id = null;
  #epoch = '';
  #seq = 0;

  /**
   * @param {string | null} id
   * @returns {boolean} whether the event is new
   */
  accept(id) {
    const parts = id === null ? null : /^([0-9a-zA-Z]{1,32})\.([0-9]{1,15})$/.exec(id);
    if (!parts) return true;
    const epoch = /** @type {string} */ (parts[1]);
    const seq = Number(parts[2]);
    if (epoch === this.#epoch && seq <= this.#seq) return false;
    this.#epoch = epoch;
    this.#seq = seq;
    this.id = id;
    return true;
  }

  /** A new session numbers its events anew. */
  clear() {
    this.id = null;
    this.#epoch = '';
    this.#seq = 0;
  }
}
