import { countOr, isCount, isObject, textOr } from './shape.js';

/**
 * Who sits in the room, kept current from the stream's events. Pure.
 *
 * @typedef {object} Player
 * @property {number} seat
 * @property {string} id
 * @property {string} name
 * @property {unknown} me the player's own data, as the player sent it: treat it as hostile
 * @property {boolean} away
 * @property {string} why why, if so: `lost` or `keyboard`; empty if not
 * @property {boolean} bot a player of the game's own, with nobody behind it
 *
 * @typedef {object} Room
 * @property {string} id
 * @property {string} game
 * @property {string} code
 * @property {string} name
 * @property {boolean} private
 * @property {boolean} password whoever wants in needs one
 * @property {boolean} locked nobody else is let in
 * @property {string} phase `open`, `playing` or `paused`
 * @property {number} owner whose room it is: a seat, or 0
 * @property {number} max_players
 * @property {unknown} meta
 * @property {number} seat one's own
 * @property {Map<number, Player>} players by seat, oneself included
 *
 * @typedef {{name: string, payload: unknown} | null | undefined} Seen what to tell the page; null for an event that is
 *   malformed, undefined for one that is none of the page's business
 */
export class RoomView {
  /** @type {Room | null} */
  room = null;

  /**
   * @param {string} name
   * @param {unknown} data
   * @returns {Seen}
   */
  apply(name, data) {
    if (name === 'state' || name === 'patch') return { name, payload: data };
    if (!isObject(data)) return null;
    switch (name) {
      case 'joined':
        return this.#joined(data);
      case 'here':
        return this.#here(data);
      case 'gone':
        return this.#gone(data);
      case 'away':
      case 'back':
        return this.#awayOrBack(name, data);
      case 'room':
        return this.#changed(data);
      case 'msg':
        if (!isCount(data.from) || typeof data.type !== 'string') return null;
        return { name, payload: { from: data.from, player: this.#player(data.from), type: data.type, data: data.data } };
      case 'chat':
        if (typeof data.text !== 'string') return null;
        return {
          name,
          payload: {
            ...data,
            player: (isCount(data.from) ? this.#player(data.from) : null) ?? data.player ?? null,
            scope: textOr(data.scope, 'room'),
          },
        };
      default:
        return { name, payload: data };
    }
  }

  /** @param {number} seat */
  #player(seat) {
    return this.room?.players.get(seat) ?? null;
  }

  /**
   * @param {Record<string, unknown>} data
   * @returns {Seen}
   */
  #joined(data) {
    const { room, seat, players } = data;
    if (!isObject(room) || typeof room.id !== 'string' || !isCount(seat) || !Array.isArray(players)) return null;
    this.room = {
      id: room.id,
      game: textOr(room.game),
      code: textOr(room.code),
      private: room.private === true,
      password: room.password === true,
      ...whatChanges(room),
      seat,
      players: new Map(),
    };
    for (const entry of players) {
      const player = readPlayer(entry);
      if (!player) continue;
      // After a reload the snapshot may be older than the new stream: who reads it is not lost.
      if (player.seat === seat && player.why !== 'keyboard') present(player);
      this.room.players.set(player.seat, player);
    }
    const everybody = [...this.room.players.values()];
    return { name: 'joined', payload: { room: this.room, seat, players: everybody, state: data.state, seed: data.seed, chat: data.chat ?? [], blobs: data.blobs ?? [] } };
  }

  /**
   * @param {Record<string, unknown>} data
   * @returns {Seen}
   */
  #here(data) {
    const player = readPlayer(data);
    if (!player || !this.room) return null;
    this.room.players.set(player.seat, player);
    return { name: 'here', payload: player };
  }

  /**
   * @param {Record<string, unknown>} data
   * @returns {Seen}
   */
  #changed(data) {
    if (!this.room) return null;
    Object.assign(this.room, whatChanges({ ...this.room, ...data }));
    return { name: 'room', payload: { room: this.room } };
  }

  /**
   * @param {Record<string, unknown>} data
   * @returns {Seen}
   */
  #gone({ seat, why, detail }) {
    if (!isCount(seat) || !this.room) return null;
    const player = this.#player(seat);
    const own = seat === this.room.seat;
    this.room.players.delete(seat);
    if (own) this.room = null;
    return { name: 'gone', payload: { seat, why: textOr(why, 'left'), detail: textOr(detail), player, own } };
  }

  /**
   * One is never lost to oneself: that the others were told so in between is not passed on.
   *
   * @param {'away' | 'back'} name
   * @param {Record<string, unknown>} data
   * @returns {Seen}
   */
  #awayOrBack(name, { seat, why }) {
    const player = isCount(seat) ? this.#player(seat) : null;
    if (!player) return null;
    const own = seat === this.room?.seat;
    if (name === 'back') {
      if (own && !player.away) return undefined;
      present(player);
      return { name, payload: { seat, player } };
    }
    if (own && (why !== 'keyboard' || player.away)) return undefined;
    player.away = true;
    player.why = textOr(why);
    return { name, payload: { seat, why: player.why, player } };
  }
}

/** @param {Player} player */
function present(player) {
  player.away = false;
  player.why = '';
}

/**
 * @param {unknown} entry
 * @returns {Player | null}
 */
function readPlayer(entry) {
  if (!isObject(entry) || !isCount(entry.seat)) return null;
  return {
    seat: entry.seat,
    id: textOr(entry.id),
    name: textOr(entry.name, '?'),
    me: entry.me ?? null,
    away: entry.away === true,
    why: textOr(entry.why),
    bot: entry.bot === true,
  };
}

/**
 * @param {Record<string, unknown>} room
 */
function whatChanges(room) {
  return {
    name: textOr(room.name),
    locked: room.locked === true,
    phase: textOr(room.phase, 'open'),
    owner: countOr(room.owner, 0),
    max_players: countOr(room.max_players, 0),
    meta: room.meta,
  };
}
