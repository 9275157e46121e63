import { Timeline, Track } from '../sdk/index.js';
import { WorldView } from '../sdk/world-view.js';

/**
 * What this page knows of the meadow: who is here, what is in sight, who said what last. Pure: events and times go in.
 * Everything that comes from the server is looked at before it is believed.
 *
 * @typedef {object} Animal a player of the meadow, in sight or not
 * @property {number} seat
 * @property {string} name
 * @property {AnimalKind} kind
 * @property {boolean} away
 * @property {number} basket as it was seen last
 * @property {{text: string, since_ms: number} | null} bubble
 * @property {{emote: Emote, since_ms: number} | null} emote
 *
 * @typedef {object} Spot an animal in sight: where it is, and since when it is seen
 * @property {number} id of its entity
 * @property {Track} track
 * @property {number} came_ms
 * @property {number} basket
 * @property {number} carries how many things
 *
 * @typedef {object} Flower
 * @property {number} id
 * @property {number} x
 * @property {number} y
 * @property {number} kind 0–4
 * @property {boolean} open
 * @property {number} changed_ms
 *
 * @typedef {object} Thing that lies on the field
 * @property {number} id
 * @property {number} x
 * @property {number} y
 * @property {ThingKind} kind
 * @property {number} changed_ms
 *
 * @typedef {{id: number, kind: ThingKind}} Carried
 * @typedef {{what: 'flower', id: number, x: number, y: number, kind: number}
 *   | {what: 'thing', id: number, x: number, y: number, kind: ThingKind}} Near what can be picked or taken
 * @typedef {{id: number, x: number, y: number, kind: number, by: number}} Picked
 *
 * @typedef {typeof ANIMALS[number]} AnimalKind
 * @typedef {typeof THINGS[number]} ThingKind
 * @typedef {typeof EMOTES[number]} Emote
 * @typedef {import('../sdk/world-view.js').Seen} Seen
 */

export const ANIMALS = /** @type {const} */ (['fox', 'rabbit', 'hedgehog', 'deer', 'badger', 'duck']);
export const THINGS = /** @type {const} */ (['acorn', 'pebble', 'feather', 'shell', 'pinecone']);
export const EMOTES = /** @type {const} */ (['wave', 'heart', 'laugh', 'sleep', 'dance']);
export const FLOWER_KINDS = 5;

/** How far behind the others are drawn: two ticks and some jitter. */
export const DELAY_MS = 120;
export const BUBBLE_MS = 7_000;
export const EMOTE_MS = 2_600;

/** A page draws no more than this, whatever a server claims. */
const ANIMALS_MAX = 4_096;
const FLOWERS_MAX = 10_000;
const THINGS_MAX = 1_000;

export class World {
  width = 4_800;
  height = 3_200;
  speed = 240;
  reach = 70;
  sight = 1_200;
  bag_max = 8;
  tick_ms = 50;
  /** @type {number | null} */
  own_seat = null;
  /** Who is in the meadow, by seat. @type {Map<number, Animal>} */
  animals = new Map();
  /** What is in sight, by id. @type {Map<number, Flower>} */
  flowers = new Map();
  /** @type {Map<number, Thing>} */
  things = new Map();
  /** The animals in sight, by seat: a seat may be known here before `here` tells whose it is. @type {Map<number, Spot>} */
  #spots = new Map();
  #view = new WorldView();
  #timeline = new Timeline(50);

  /** @returns {Animal | null} */
  get own() {
    return this.own_seat === null ? null : (this.animals.get(this.own_seat) ?? null);
  }

  /** @returns {Carried[]} what one's own animal carries, in the order in which it was taken */
  get bag() {
    const spot = this.own_seat === null ? undefined : this.#spots.get(this.own_seat);
    const carried = spot && this.#view.entities.get(spot.id)?.fields.bag;
    return list(carried).slice(0, this.bag_max).map((id) => {
      const thing = this.#view.entities.get(Number(id));
      return { id: Number(id), kind: thingKind(thing?.fields.kind) };
    });
  }

  /** A number that two pages have in common which see the same, for tests. */
  get hash() {
    return this.#view.hash();
  }

  /**
   * Everything anew, as `joined` tells it.
   *
   * @param {{seat: number, players: {seat: number, name: string, me: unknown, away: boolean}[], state: unknown}} joined
   * @param {number} now_ms
   */
  enter({ seat, players, state }, now_ms) {
    const fields = record(state);
    this.width = within(fields.width, 200, 100_000, 4_800);
    this.height = within(fields.height, 200, 100_000, 3_200);
    this.speed = within(fields.speed, 1, 10_000, 240);
    this.reach = within(fields.reach, 1, 10_000, 70);
    this.sight = within(fields.sight, 1, 1_000_000, 1_200);
    this.bag_max = Math.floor(within(fields.bag_max, 0, 32, 8));
    this.tick_ms = within(fields.tick_ms, 1, 10_000, 50);
    this.own_seat = seat;
    this.animals.clear();
    this.flowers.clear();
    this.things.clear();
    this.#spots.clear();
    this.#timeline = new Timeline(this.tick_ms);
    this.#view.replace(fields.world);
    this.#timeline.heard(this.#view.tick, now_ms);
    // What was there before one came is not seen to come.
    for (const entity of this.#view.entities.values()) if (!entity.far) this.#appear(entity, -Infinity);
    for (const player of players) this.here(player);
  }

  /** @param {{seat: number, name: string, me: unknown, away: boolean}} player */
  here({ seat, name, me, away }) {
    if (this.animals.size >= ANIMALS_MAX) return;
    const basket = this.#spots.get(seat)?.basket ?? 0;
    this.animals.set(seat, { seat, name, kind: animalKind(record(me).animal), away, basket, bubble: null, emote: null });
  }

  /** @param {number} seat */
  gone(seat) {
    this.animals.delete(seat);
    // The next one on this seat has another entity, of which nothing was heard yet.
    this.#spots.delete(seat);
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
    if (!Array.isArray(record(data).world)) return [];
    const sights = this.#view.apply(data);
    this.#timeline.heard(this.#view.tick, now_ms);
    /** @type {Picked[]} */
    const picked = [];
    for (const sight of sights) {
      if (sight.name === 'enter') this.#appear(sight.entity, now_ms);
      else if (sight.name === 'leave') this.#vanish(sight.entity);
      else {
        const flower = this.#change(sight.entity, now_ms);
        if (flower) picked.push(flower);
      }
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
   * @returns {Spot | null} null while it is out of sight
   */
  spotOf(seat) {
    return this.#spots.get(seat) ?? null;
  }

  /**
   * @param {number} seat
   * @param {number} now_ms
   * @returns {{x: number, y: number, dx: number, dy: number} | null} null while it is out of sight
   */
  positionOf(seat, now_ms) {
    return this.#spots.get(seat)?.track.at(this.#timeline.playhead(now_ms, DELAY_MS)) ?? null;
  }

  /**
   * @param {number} seat
   * @returns {{x: number, y: number} | null} the newest position that the server told
   */
  latestOf(seat) {
    const spot = this.#spots.get(seat);
    if (!spot) return null;
    const { x, y } = spot.track.at(Infinity);
    return { x, y };
  }

  /**
   * @param {number} x
   * @param {number} y
   * @param {number} within_units
   * @returns {Near | null} the nearest open flower or thing; with a full bag a thing only if there is no flower
   */
  nearest(x, y, within_units) {
    const flower = closest(this.flowers.values(), x, y, within_units, ({ open }) => open);
    const thing = closest(this.things.values(), x, y, within_units, () => true);
    const is_full = this.bag.length >= this.bag_max;
    if (thing && (!flower || (!is_full && thing.distance < flower.distance))) {
      const { id, x: at_x, y: at_y, kind } = thing.found;
      return { what: 'thing', id, x: at_x, y: at_y, kind };
    }
    if (!flower) return null;
    const { id, x: at_x, y: at_y, kind } = flower.found;
    return { what: 'flower', id, x: at_x, y: at_y, kind };
  }

  /**
   * @param {Near} near
   * @returns {boolean} whether it can still be picked or taken
   */
  isThere({ what, id }) {
    return what === 'thing' ? this.things.has(id) : this.flowers.get(id)?.open === true;
  }

  /**
   * @param {Seen} entity
   * @param {number} now_ms
   */
  #appear({ id, kind, fields }, now_ms) {
    const at = this.#place(fields);
    if (kind === 'animal') {
      const seat = within(fields.seat, 1, Number.MAX_SAFE_INTEGER, NaN);
      if (!at || Number.isNaN(seat) || this.#spots.size >= ANIMALS_MAX) return;
      const track = new Track(this.tick_ms);
      this.#spots.set(seat, { id, track, came_ms: now_ms, basket: 0, carries: 0 });
      this.#move({ id, fields });
    } else if (kind === 'flower') {
      if (!at || this.flowers.size >= FLOWERS_MAX) return;
      const number = Math.floor(within(fields.kind, 0, FLOWER_KINDS - 1, 0));
      this.flowers.set(id, { id, ...at, kind: number, open: fields.open === true, changed_ms: now_ms });
    } else if (kind === 'thing') {
      if (!at || (this.things.size >= THINGS_MAX && !this.things.has(id))) return;
      this.things.set(id, { id, ...at, kind: thingKind(fields.kind), changed_ms: now_ms });
    }
  }

  /** @param {Seen} entity */
  #vanish({ id, kind, fields }) {
    if (kind === 'animal') {
      const seat = Number(fields.seat);
      if (this.#spots.get(seat)?.id === id) this.#spots.delete(seat);
    } else if (kind === 'flower') this.flowers.delete(id);
    else if (kind === 'thing') this.things.delete(id);
  }

  /**
   * @param {Seen} entity
   * @param {number} now_ms
   * @returns {Picked | null}
   */
  #change(entity, now_ms) {
    if (entity.far) return null;
    if (entity.kind === 'animal') this.#move(entity);
    else if (entity.kind === 'flower') return this.#turn(entity, now_ms);
    else if (entity.kind === 'thing') {
      // It has a place only while it lies there.
      if (this.#place(entity.fields)) this.#appear(entity, now_ms);
      else this.things.delete(entity.id);
    }
    return null;
  }

  /** @param {{id: number, fields: Seen['fields']}} entity */
  #move({ id, fields }) {
    const seat = Number(fields.seat);
    const spot = this.#spots.get(seat);
    const at = this.#place(fields);
    if (spot?.id !== id || !at) return;
    spot.track.push(this.#timeline.timeOf(this.#view.tick), at.x, at.y);
    spot.basket = within(fields.basket, 0, Number.MAX_SAFE_INTEGER, spot.basket);
    spot.carries = within(fields.carries, 0, Number.MAX_SAFE_INTEGER, spot.carries);
    const animal = this.animals.get(seat);
    if (animal) animal.basket = spot.basket;
  }

  /**
   * @param {Seen} entity
   * @param {number} now_ms
   * @returns {Picked | null}
   */
  #turn({ id, fields }, now_ms) {
    const flower = this.flowers.get(id);
    const { open } = fields;
    if (!flower || typeof open !== 'boolean' || flower.open === open) return null;
    flower.open = open;
    flower.changed_ms = now_ms;
    const by = within(fields.by, 1, Number.MAX_SAFE_INTEGER, NaN);
    if (open || Number.isNaN(by)) return null;
    return { id, x: flower.x, y: flower.y, kind: flower.kind, by };
  }

  /**
   * @param {Seen['fields']} fields
   * @returns {{x: number, y: number} | null} null for what is nowhere, or far beyond the field
   */
  #place(fields) {
    const x = within(fields.x, -1_000, this.width + 1_000, NaN);
    const y = within(fields.y, -1_000, this.height + 1_000, NaN);
    return Number.isNaN(x + y) ? null : { x, y };
  }
}

/**
 * @template {{x: number, y: number}} T
 * @param {Iterable<T>} all
 * @param {number} x
 * @param {number} y
 * @param {number} within_units
 * @param {(one: T) => boolean} counts
 * @returns {{found: T, distance: number} | null}
 */
function closest(all, x, y, within_units, counts) {
  let found = null;
  let distance = within_units;
  for (const one of all) {
    const far = Math.hypot(one.x - x, one.y - y);
    if (far > distance || !counts(one)) continue;
    found = one;
    distance = far;
  }
  return found && { found, distance };
}

/**
 * @param {unknown} name
 * @returns {AnimalKind} a rabbit for anything that is none
 */
export function animalKind(name) {
  return ANIMALS.find((kind) => kind === name) ?? 'rabbit';
}

/**
 * @param {unknown} name
 * @returns {ThingKind} a pebble for anything that is none
 */
export function thingKind(name) {
  return THINGS.find((kind) => kind === name) ?? 'pebble';
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
