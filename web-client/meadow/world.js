import { Timeline, Track } from '../sdk/index.js';

/**
 * What this page knows of the meadow: the animals, the flowers, who said what last. Pure: events and times go in.
 * Everything that comes from the server is looked at before it is believed.
 *
 * @typedef {object} Animal
 * @property {number} seat
 * @property {string} name
 * @property {AnimalKind} kind
 * @property {boolean} away
 * @property {number} basket
 * @property {Track} track
 * @property {boolean} placed whether its position is known yet
 * @property {number} came_ms
 * @property {{text: string, since_ms: number} | null} bubble
 * @property {{emote: Emote, since_ms: number} | null} emote
 *
 * @typedef {object} Flower
 * @property {number} id
 * @property {number} x
 * @property {number} y
 * @property {number} kind 0–4
 * @property {boolean} open
 * @property {number} changed_ms
 *
 * @typedef {{id: number, x: number, y: number, kind: number, by: number}} Picked
 *
 * @typedef {typeof ANIMALS[number]} AnimalKind
 * @typedef {typeof EMOTES[number]} Emote
 */

export const ANIMALS = /** @type {const} */ (['fox', 'rabbit', 'hedgehog', 'deer', 'badger', 'duck']);
export const EMOTES = /** @type {const} */ (['wave', 'heart', 'laugh', 'sleep', 'dance']);
export const FLOWER_KINDS = 5;

/** How far behind the others are drawn: two ticks and some jitter. */
export const DELAY_MS = 120;
export const BUBBLE_MS = 7_000;
export const EMOTE_MS = 2_600;

/** A page draws no more than this, whatever a server claims. */
const ANIMALS_MAX = 1_000;
const FLOWERS_MAX = 2_000;

export class World {
  width = 2_400;
  height = 1_600;
  speed = 240;
  reach = 70;
  tick_ms = 50;
  /** @type {number | null} */
  own_seat = null;
  /** @type {Map<number, Animal>} */
  animals = new Map();
  /** @type {Map<number, Flower>} */
  flowers = new Map();
  #timeline = new Timeline(50);

  /** @returns {Animal | null} */
  get own() {
    return this.own_seat === null ? null : (this.animals.get(this.own_seat) ?? null);
  }

  /**
   * Everything anew, as `joined` tells it.
   *
   * @param {{seat: number, players: {seat: number, name: string, me: unknown, away: boolean}[], state: unknown}} joined
   * @param {number} now_ms
   */
  enter({ seat, players, state }, now_ms) {
    const fields = record(state);
    this.width = within(fields.width, 200, 20_000, 2_400);
    this.height = within(fields.height, 200, 20_000, 1_600);
    this.speed = within(fields.speed, 1, 10_000, 240);
    this.reach = within(fields.reach, 1, 10_000, 70);
    this.tick_ms = within(fields.tick_ms, 1, 10_000, 50);
    this.own_seat = seat;
    this.animals.clear();
    this.flowers.clear();
    this.#timeline = new Timeline(this.tick_ms);
    for (const player of players) this.here(player, -Infinity);
    for (const entry of list(fields.flowers)) this.#plant(record(entry));
    this.patch(state, now_ms);
  }

  /**
   * @param {{seat: number, name: string, me: unknown, away: boolean}} player
   * @param {number} now_ms
   */
  here({ seat, name, me, away }, now_ms) {
    if (this.animals.size >= ANIMALS_MAX) return;
    this.animals.set(seat, {
      seat,
      name,
      kind: animalKind(record(me).animal),
      away,
      basket: 0,
      track: new Track(this.tick_ms),
      placed: false,
      came_ms: now_ms,
      bubble: null,
      emote: null,
    });
  }

  /** @param {number} seat */
  gone(seat) {
    this.animals.delete(seat);
  }

  /**
   * @param {number} seat
   * @param {boolean} away
   */
  setAway(seat, away) {
    const animal = this.animals.get(seat);
    if (animal) animal.away = away;
  }

  /**
   * @param {unknown} data
   * @param {number} now_ms
   * @returns {Picked[]} the flowers that were just picked
   */
  patch(data, now_ms) {
    const fields = record(data);
    const tick = within(fields.tick, 0, Number.MAX_SAFE_INTEGER, NaN);
    if (Number.isNaN(tick)) return [];
    this.#timeline.heard(tick, now_ms);
    for (const entry of list(fields.animals)) this.#move(record(entry), tick);
    /** @type {Picked[]} */
    const picked = [];
    for (const entry of list(fields.flowers)) {
      const flower = this.#turn(record(entry), now_ms);
      if (flower) picked.push(flower);
    }
    return picked;
  }

  /**
   * @param {number} seat
   * @param {string} text
   * @param {number} now_ms
   */
  say(seat, text, now_ms) {
    const animal = this.animals.get(seat);
    if (animal) animal.bubble = { text, since_ms: now_ms };
  }

  /**
   * @param {number} seat
   * @param {unknown} emote
   * @param {number} now_ms
   */
  feel(seat, emote, now_ms) {
    const animal = this.animals.get(seat);
    const known = EMOTES.find((name) => name === emote);
    if (animal && known) animal.emote = { emote: known, since_ms: now_ms };
  }

  /**
   * @param {number} seat
   * @param {number} now_ms
   * @returns {{x: number, y: number, dx: number, dy: number} | null} null while it is not known where
   */
  positionOf(seat, now_ms) {
    const animal = this.animals.get(seat);
    return animal?.placed ? animal.track.at(this.#timeline.playhead(now_ms, DELAY_MS)) : null;
  }

  /**
   * @param {number} seat
   * @returns {{x: number, y: number} | null} the newest position that the server told
   */
  latestOf(seat) {
    const animal = this.animals.get(seat);
    if (!animal?.placed) return null;
    const { x, y } = animal.track.at(Infinity);
    return { x, y };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} within_units
   * @returns {Flower | null} the nearest open flower
   */
  flowerNear(x, y, within_units) {
    let nearest = null;
    let distance_min = within_units;
    for (const flower of this.flowers.values()) {
      const distance = Math.hypot(flower.x - x, flower.y - y);
      if (!flower.open || distance > distance_min) continue;
      nearest = flower;
      distance_min = distance;
    }
    return nearest;
  }

  /**
   * @param {Record<string, unknown>} entry
   * @param {number} tick
   */
  #move(entry, tick) {
    const animal = this.animals.get(Number(entry.seat));
    const x = within(entry.x, -1_000, this.width + 1_000, NaN);
    const y = within(entry.y, -1_000, this.height + 1_000, NaN);
    if (!animal || Number.isNaN(x + y)) return;
    animal.track.push(this.#timeline.timeOf(tick), x, y);
    animal.placed = true;
    animal.basket = within(entry.basket, 0, Number.MAX_SAFE_INTEGER, animal.basket);
  }

  /** @param {Record<string, unknown>} entry */
  #plant({ id, x, y, kind, open }) {
    const number = within(id, 0, Number.MAX_SAFE_INTEGER, NaN);
    const at_x = within(x, 0, this.width, NaN);
    const at_y = within(y, 0, this.height, NaN);
    if (Number.isNaN(number + at_x + at_y) || this.flowers.size >= FLOWERS_MAX) return;
    this.flowers.set(number, {
      id: number,
      x: at_x,
      y: at_y,
      kind: Math.floor(within(kind, 0, FLOWER_KINDS - 1, 0)),
      open: open === true,
      changed_ms: -Infinity,
    });
  }

  /**
   * @param {Record<string, unknown>} entry
   * @param {number} now_ms
   * @returns {Picked | null}
   */
  #turn({ id, open, by }, now_ms) {
    const flower = this.flowers.get(Number(id));
    if (!flower || typeof open !== 'boolean' || flower.open === open) return null;
    flower.open = open;
    flower.changed_ms = now_ms;
    const picker = within(by, 1, Number.MAX_SAFE_INTEGER, NaN);
    if (open || Number.isNaN(picker)) return null;
    return { id: flower.id, x: flower.x, y: flower.y, kind: flower.kind, by: picker };
  }
}

/**
 * @param {unknown} name
 * @returns {AnimalKind} a rabbit for anything that is none
 */
export function animalKind(name) {
  return ANIMALS.find((kind) => kind === name) ?? 'rabbit';
}

/**
 * @param {unknown} value
 * @returns {Record<string, unknown>}
 */
function record(value) {
  return typeof value === 'object' && value !== null ? /** @type {Record<string, unknown>} */ (value) : {};
}

/**
 * @param {unknown} value
 * @returns {unknown[]}
 */
function list(value) {
  return Array.isArray(value) ? value : [];
}

/**
 * @param {unknown} value
 * @param {number} min
 * @param {number} max
 * @param {number} fallback for what is no number or out of range
 */
function within(value, min, max, fallback) {
  return typeof value === 'number' && value >= min && value <= max ? value : fallback;
}
