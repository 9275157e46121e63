/**
 * What the owner of a room may do with it. Each call resolves when the room has done it, and rejects with a `SwardError` whose
 * `code` says why not: `not_owner` above all. `index.js` does not load this module.
 *
 * @typedef {object} Asking anything that asks: a session
 * @property {(type: string, data: unknown) => Promise<unknown>} request
 */
export class Owner {
  /** @type {Asking} */
  #session;

  /** @param {Asking} session */
  constructor(session) {
    this.#session = session;
  }

  /** Lets nobody else in. */
  lock() {
    return this.#order('lock', null);
  }

  /** Lets others in again. */
  unlock() {
    return this.#order('unlock', null);
  }

  /** @param {string} name 1–24 characters as people count them; empty takes it away */
  rename(name) {
    return this.#order('rename', { name });
  }

  /** @param {number} max_players 1–4,096, and not fewer than sit there */
  resize(max_players) {
    return this.#order('resize', { max_players });
  }

  /** @param {Record<string, unknown>} meta what lists show of the room and filters look at, at most 1 KiB as JSON */
  setMeta(meta) {
    return this.#order('meta', { meta });
  }

  /**
   * Puts a player out; he may come back.
   *
   * @param {number} seat
   * @param {string} [detail] what all are told, at most 200 characters
   */
  kick(seat, detail) {
    return this.#order('kick', { seat, detail });
  }

  /**
   * Puts a player out for good.
   *
   * @param {number} seat
   * @param {string} [detail] what all are told, at most 200 characters
   */
  ban(seat, detail) {
    return this.#order('ban', { seat, detail });
  }

  /** @param {string} id of a player who was banned */
  unban(id) {
    return this.#order('unban', { id });
  }

  /** @param {number} seat whose player owns the room from now on */
  give(seat) {
    return this.#order('give', { seat });
  }

  /** Begins to play: all hear `start` with the same seed. */
  start() {
    return this.#order('start', null);
  }

  /** Ends the game, where it lets its owner. */
  over() {
    return this.#order('over', null);
  }

  /**
   * @param {string} what
   * @param {unknown} data
   * @returns {Promise<void>}
   */
  async #order(what, data) {
    await this.#session.request(`sward.${what}`, data);
  }
}
