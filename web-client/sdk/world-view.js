import { Emitter } from './emitter.js';
import { isCount, isObject } from './shape.js';

/**
 * What one sees of a game's world, kept current from `state.world` of `joined` and from the event `patch`. `index.js` does
 * not load this module. `docs/world.md` has the format; what is malformed is ignored, as it says there.
 *
 * ```js
 * const world = new WorldView();
 * world.follow(session);
 * world.on('enter', ({ entity }) => …);
 * await session.join({ game: 'meadow' });
 * ```
 *
 * @typedef {boolean | number | string | unknown[] | Record<string, unknown>} Value of a field
 *
 * @typedef {object} Seen an entity; one object for as long as it is known, whose fields change
 * @property {number} id
 * @property {string} kind
 * @property {boolean} far it is out of sight: only those of its fields are known that everybody always sees
 * @property {Record<string, Value | undefined>} fields by name; without a prototype
 *
 * @typedef {{name: 'enter' | 'leave', entity: Seen} | {name: 'change', entity: Seen, fields: string[]}} Sight what a
 *   patch did to what is seen
 *
 * @typedef {object} Hearing whoever hears a stream: a session
 * @property {(name: string, listener: (payload: any) => void) => () => void} on
 */

/** Entities that a view knows at once: one more is ignored. */
const ENTITIES_MAX = 65_536;
/** Fields of one entity, likewise. */
const FIELDS_MAX = 256;
/** Objects and arrays inside each other in one field. */
const DEPTH_MAX = 32;
const IDS_END = 2 ** 32;
const NAME = /^[a-z][a-z0-9_]{0,31}$/;
const NO_FIELDS = ['id', 'is', 'far', 'gone'];

export class WorldView {
  #emitter = new Emitter();

  /** The world's tick that the view is of. */
  tick = 0;
  /** All that is known, by id; those that are far as well. @type {Map<number, Seen>} */
  entities = new Map();

  /**
   * Listens to what happens to the view. It is told when the whole patch is applied, in the order in which it happened.
   *
   * | event | payload | when |
   * |---|---|---|
   * | `enter` | `{entity}` | it was not in sight, and is now |
   * | `leave` | `{entity}` | it was in sight, and is no more; `entity` is what was known of it last |
   * | `change` | `{entity, fields}` | these fields of an entity, in sight or far, were told: names, ascending |
   * | `reset` | the view | another view took its place: all entities are others |
   *
   * @param {'enter' | 'leave' | 'change' | 'reset'} event
   * @param {(payload: any) => void} listener
   * @returns {() => void} unsubscribes
   */
  on(event, listener) {
    return this.#emitter.on(event, listener);
  }

  /**
   * Follows a session from its next `joined` on: call it before `join`, and right behind `connect` when that resumes. The
   * view is empty outside of a room, and in a room of a game that has no world.
   *
   * @param {Hearing} session
   * @returns {() => void} follows no longer
   */
  follow(session) {
    const unlisten = [
      session.on('joined', ({ state }) => this.replace(isObject(state) ? state.world : null)),
      session.on('patch', (patch) => this.apply(patch)),
      session.on('gone', ({ own }) => own && this.replace(null)),
      session.on('renewed', ({ room }) => room ?? this.replace(null)),
    ];
    return () => {
      for (const stop of unlisten) stop();
    };
  }

  /**
   * Another view takes the place of this one.
   *
   * @param {unknown} world `state.world` of a `joined`; the view is empty behind what is none
   */
  replace(world) {
    this.tick = 0;
    this.entities = new Map();
    this.#take(world);
    this.#emitter.emit('reset', this);
  }

  /**
   * Takes up the data of a `patch`, and tells the listeners. A patch without an array `world` is none of the world's
   * business. Pieces of one entity that follow each other are told as one.
   *
   * @param {unknown} patch
   * @returns {Sight[]}
   */
  apply(patch) {
    const sights = this.#take(patch);
    for (const sight of sights) {
      const { name, ...payload } = sight;
      this.#emitter.emit(name, payload);
    }
    return sights;
  }

  /**
   * A number that two views have in common when they know the same: 32-bit FNV-1a over the bytes that `docs/world.md`
   * states, for tests.
   *
   * @returns {number} 0 ≤ hash < 2^32
   */
  hash() {
    const hash = new Fnv1a();
    for (const id of [...this.entities.keys()].sort((a, b) => a - b)) {
      const { kind, far, fields } = /** @type {Seen} */ (this.entities.get(id));
      hash.u32(id);
      hash.bytes(UTF8.encode(kind));
      hash.bytes([0, far ? 1 : 0]);
      for (const name of Object.keys(fields).sort()) {
        hash.bytes(UTF8.encode(name));
        hash.bytes([0]);
        hash.value(fields[name]);
      }
      hash.bytes([0xff]);
    }
    return hash.state >>> 0;
  }

  /**
   * @param {unknown} patch
   * @returns {Sight[]}
   */
  #take(patch) {
    /** @type {Sight[]} */
    const sights = [];
    if (!isObject(patch) || !Array.isArray(patch.world)) return sights;
    if (isCount(patch.tick)) this.tick = patch.tick;
    for (const piece of patch.world) if (isObject(piece) && isId(piece.id)) this.#piece(piece.id, piece, sights);
    return sights;
  }

  /**
   * @param {number} id
   * @param {Record<string, unknown>} piece
   * @param {Sight[]} sights
   */
  #piece(id, piece, sights) {
    const known = this.entities.get(id);
    if (piece.gone !== true && (piece.is ?? null) === null) {
      if (known) change(known, piece, sights);
      return;
    }
    if (piece.gone !== true && (!isName(piece.is) || (!known && this.entities.size >= ENTITIES_MAX))) return;
    if (known && !known.far) sights.push({ name: 'leave', entity: known });
    if (piece.gone === true) {
      this.entities.delete(id);
      return;
    }
    const far = piece.far === true;
    // -0 plus 0 is 0.
    const entity = { id: id + 0, kind: /** @type {string} */ (piece.is), far, fields: Object.create(null) };
    tell(entity, piece);
    this.entities.set(id, entity);
    if (!far) sights.push({ name: 'enter', entity });
  }
}

/**
 * @param {Seen} entity
 * @param {Record<string, unknown>} piece
 * @param {Sight[]} sights
 */
function change(entity, piece, sights) {
  const fields = tell(entity, piece);
  const last = sights.at(-1);
  const follows = last?.entity.id === entity.id;
  if (follows && last.name === 'change') {
    last.entity = entity;
    last.fields = [...new Set([...last.fields, ...fields])].sort();
  } else if (fields.length > 0 && !(follows && last.name === 'enter')) {
    sights.push({ name: 'change', entity, fields });
  }
}

/**
 * @param {Seen} entity
 * @param {Record<string, unknown>} piece
 * @returns {string[]} the names of the fields that it told, ascending: a field that is null is none any more
 */
function tell({ fields }, piece) {
  let count = Object.keys(fields).length;
  return Object.keys(piece)
    .sort()
    .filter((name) => {
      const value = piece[name];
      if (!isName(name) || NO_FIELDS.includes(name)) return false;
      if (value === null) {
        const was = name in fields;
        count -= was ? 1 : 0;
        return was && delete fields[name];
      }
      if (!isValue(value, DEPTH_MAX)) return false;
      if (!(name in fields)) {
        if (count >= FIELDS_MAX) return false;
        count += 1;
      }
      fields[name] = value;
      return true;
    });
}

/**
 * @param {unknown} value
 * @returns {value is number}
 */
function isId(value) {
  return isCount(value) && value < IDS_END;
}

/**
 * @param {unknown} value
 * @returns {value is string}
 */
function isName(value) {
  return typeof value === 'string' && NAME.test(value);
}

/**
 * @param {unknown} value
 * @param {number} levels how many objects and arrays may be inside each other
 * @returns {value is Value}
 */
function isValue(value, levels) {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return typeof value === 'string' || typeof value === 'boolean';
  return value === null || (levels > 0 && Object.values(value).every((inner) => isValue(inner, levels - 1)));
}

const UTF8 = new TextEncoder();

/** FNV-1a, 32 bit: http://www.isthe.com/chongo/tech/comp/fnv/ */
class Fnv1a {
  state = 0x811c9dc5;

  /** @param {Iterable<number>} bytes */
  bytes(bytes) {
    for (const byte of bytes) this.state = Math.imul(this.state ^ byte, 0x01000193);
  }

  /** @param {number} number */
  u32(number) {
    this.bytes([number >>> 24, (number >>> 16) & 0xff, (number >>> 8) & 0xff, number & 0xff]);
  }

  /**
   * @param {number} tag
   * @param {number} count
   */
  tagged(tag, count) {
    this.bytes([tag]);
    this.u32(count);
  }

  /** @param {Uint8Array} bytes of a string */
  text(bytes) {
    this.tagged(0x04, bytes.length);
    this.bytes(bytes);
  }

  /** @param {unknown} value what `isValue` has looked at */
  value(value) {
    if (value === null) this.bytes([0x00]);
    else if (typeof value === 'boolean') this.bytes([value ? 0x02 : 0x01]);
    else if (typeof value === 'number') {
      const double = new DataView(new ArrayBuffer(8));
      double.setFloat64(0, value + 0);
      this.bytes([0x03]);
      this.bytes(new Uint8Array(double.buffer));
    } else if (typeof value === 'string') this.text(UTF8.encode(value));
    else if (Array.isArray(value)) {
      this.tagged(0x05, value.length);
      for (const inner of value) this.value(inner);
    } else this.#members(Object.entries(/** @type {object} */ (value)));
  }

  /** @param {[string, unknown][]} members of an object */
  #members(members) {
    this.tagged(0x06, members.length);
    // JavaScript sorts text by UTF-16, which is another order.
    const sorted = members.map(([key, value]) => ({ key: UTF8.encode(key), value })).sort((a, b) => compare(a.key, b.key));
    for (const { key, value } of sorted) {
      this.text(key);
      this.value(value);
    }
  }
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
function compare(a, b) {
  const at = a.findIndex((byte, index) => byte !== b[index]);
  return at < 0 ? a.length - b.length : (a[at] ?? 0) - (b[at] ?? -1);
}
