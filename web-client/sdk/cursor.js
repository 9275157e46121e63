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
    const place = read(id);
    if (!place) return true;
    if (place.epoch === this.#epoch && place.seq <= this.#seq) return false;
    this.#set(place);
    return true;
  }

  /**
   * What `hello` says: the events that follow are those above `last`. A stream that was resumed goes on from the own
   * id. For one that was not, the server's word counts, also where it goes back: or what follows would pass for
   * repeats.
   *
   * @param {unknown} last
   * @param {boolean} resumed
   */
  begin(last, resumed) {
    const place = read(last);
    if (place && (!resumed || place.epoch !== this.#epoch)) this.#set(place);
  }

  /** A new session numbers its events anew. */
  clear() {
    this.id = null;
    this.#epoch = '';
    this.#seq = 0;
  }

  /** @param {{id: string, epoch: string, seq: number}} place */
  #set({ id, epoch, seq }) {
    this.id = id;
    this.#epoch = epoch;
    this.#seq = seq;
  }
}

/**
 * @param {unknown} id
 * @returns {{id: string, epoch: string, seq: number} | null} null for what is no id
 */
function read(id) {
  const parts = typeof id === 'string' ? /^([0-9a-zA-Z]{1,32})\.([0-9]{1,16})$/.exec(id) : null;
  const [text = '', epoch = '', digits = ''] = parts ?? [];
  const seq = Number(digits);
  return parts && Number.isSafeInteger(seq) ? { id: text, epoch, seq } : null;
}
