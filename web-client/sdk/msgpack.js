/**
 * MessagePack as Sward speaks it (https://github.com/msgpack/msgpack/blob/master/spec.md): what JSON can say and nothing
 * else, so maps have string keys, and there is no `bin` and no `ext`. Pure. `index.js` does not load this module.
 */

/** Values inside each other; the server's bound is the same. */
const DEPTH_MAX = 128;

/** A type, and a number or a length of 8 bytes at most. */
const HEAD_BYTES_MAX = 9;

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Takes what `JSON.stringify` takes, in the same way: `toJSON` is asked, `undefined` and functions are left out of
 * objects and become null in arrays, and so do NaN and infinities. Integers that JavaScript cannot hold exactly (2^53
 * and beyond) are written as the doubles that they are.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {TypeError} for a bigint, half a surrogate pair, or values nested deeper than 128, as in a circle
 */
export function encode(value) {
  const writer = new Writer();
  writer.value(plain(value, '') ?? null, 0);
  return writer.bytes();
}

/**
 * Reads one value and nothing behind it. Integers above 2^53 become the nearest double, as in `JSON.parse`.
 *
 * @param {Uint8Array} bytes
 * @returns {unknown}
 * @throws {RangeError} for bytes that are no such value
 */
export function decode(bytes) {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  reader.end();
  return value;
}

/**
 * A value as `JSON.stringify` sees it.
 *
 * @param {unknown} value
 * @param {string} key
 * @returns {unknown} undefined for what JSON leaves out
 */
function plain(value, key) {
  let said = value;
  if (typeof said === 'object' && said !== null && 'toJSON' in said && typeof said.toJSON === 'function') said = said.toJSON(key);
  if (said instanceof Number || said instanceof String || said instanceof Boolean) said = said.valueOf();
  if (typeof said === 'function' || typeof said === 'symbol') return undefined;
  return said;
}

class Writer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  bytes() {
    return this.#buffer.slice(0, this.#length);
  }

  /**
   * @param {unknown} value
   * @param {number} depth
   */
  value(value, depth) {
    this.#reserve(HEAD_BYTES_MAX);
    if (depth > DEPTH_MAX) throw new TypeError(`values are nested deeper than ${DEPTH_MAX}`);
    if (value === null || value === undefined) this.#byte(0xc0);
    else if (typeof value === 'boolean') this.#byte(value ? 0xc3 : 0xc2);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'string') this.#string(value);
    else if (typeof value === 'bigint') throw new TypeError('a bigint is no JSON');
    else if (Array.isArray(value)) this.#array(value, depth);
    else this.#map(value, depth);
  }

  /** @param {number} value */
  #number(value) {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) return this.#integer(value);
    if (!Number.isFinite(value)) return this.#byte(0xc0);
    this.#view.setFloat64(this.#head(0xcb, 8), value);
  }

  /** @param {number} value */
  #integer(value) {
    if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value <= 0xff) this.#view.setUint8(this.#head(0xcc, 1), value);
      else if (value <= 0xffff) this.#view.setUint16(this.#head(0xcd, 2), value);
      else if (value <= 0xffff_ffff) this.#view.setUint32(this.#head(0xce, 4), value);
      else this.#view.setBigUint64(this.#head(0xcf, 8), BigInt(value));
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#view.setInt8(this.#head(0xd0, 1), value);
    else if (value >= -0x8000) this.#view.setInt16(this.#head(0xd1, 2), value);
    else if (value >= -0x8000_0000) this.#view.setInt32(this.#head(0xd2, 4), value);
    else this.#view.setBigInt64(this.#head(0xd3, 8), BigInt(value));
  }

  /** @param {string} value */
  #string(value) {
    // With `u` a whole pair is one character, so this finds the halves. TextEncoder would silently write another text.
    if (/\p{Surrogate}/u.test(value)) throw new TypeError('a string holds half a surrogate pair');
    const bytes = utf8.encode(value);
    this.#reserve(HEAD_BYTES_MAX + bytes.length);
    this.#lengthOf(bytes.length, { fix: 0xa0, fix_max: 31, one: 0xd9, two: 0xda, four: 0xdb });
    this.#buffer.set(bytes, this.#take(bytes.length));
  }

  /**
   * @param {unknown[]} values
   * @param {number} depth
   */
  #array(values, depth) {
    this.#lengthOf(values.length, { fix: 0x90, fix_max: 15, one: null, two: 0xdc, four: 0xdd });
    for (let i = 0; i < values.length; i += 1) this.value(plain(values[i], String(i)), depth + 1);
  }

  /**
   * @param {object} object
   * @param {number} depth
   */
  #map(object, depth) {
    const entries = [];
    for (const [key, value] of Object.entries(object)) {
      const said = plain(value, key);
      if (said !== undefined) entries.push(/** @type {const} */ ([key, said]));
    }
    this.#lengthOf(entries.length, { fix: 0x80, fix_max: 15, one: null, two: 0xde, four: 0xdf });
    for (const [key, value] of entries) {
      this.#string(key);
      this.value(value, depth + 1);
    }
  }

  /**
   * @param {number} length
   * @param {{fix: number, fix_max: number, one: number | null, two: number, four: number}} types
   */
  #lengthOf(length, { fix, fix_max, one, two, four }) {
    if (length <= fix_max) this.#byte(fix | length);
    else if (one !== null && length <= 0xff) this.#view.setUint8(this.#head(one, 1), length);
    else if (length <= 0xffff) this.#view.setUint16(this.#head(two, 2), length);
    else this.#view.setUint32(this.#head(four, 4), length);
  }

  /**
   * @param {number} type
   * @param {number} bytes of what follows
   * @returns {number} where to write it
   */
  #head(type, bytes) {
    this.#byte(type);
    return this.#take(bytes);
  }

  /** @param {number} byte */
  #byte(byte) {
    this.#buffer[this.#take(1)] = byte;
  }

  /**
   * @param {number} bytes that were reserved
   * @returns {number} where they begin
   */
  #take(bytes) {
    const at = this.#length;
    this.#length += bytes;
    return at;
  }

  /**
   * Makes room, before anything is written: the buffer is another one then.
   *
   * @param {number} bytes
   */
  #reserve(bytes) {
    const length = this.#length + bytes;
    if (length <= this.#buffer.length) return;
    const larger = new Uint8Array(Math.max(length, this.#buffer.length * 2));
    larger.set(this.#buffer);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }
}

class Reader {
  #bytes;
  #view;
  #at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  end() {
    if (this.#at !== this.#bytes.length) throw new RangeError('bytes behind the value');
  }

  /**
   * @param {number} depth
   * @returns {unknown}
   */
  value(depth) {
    if (depth > DEPTH_MAX) throw new RangeError(`values are nested deeper than ${DEPTH_MAX}`);
    const type = this.#view.getUint8(this.#take(1));
    if (type < 0x80) return type;
    if (type < 0x90) return this.#map(type & 0x0f, depth);
    if (type < 0xa0) return this.#array(type & 0x0f, depth);
    if (type < 0xc0) return this.#string(type & 0x1f);
    if (type >= 0xe0) return type - 0x100;
    return this.#typed(type, depth);
  }

  /**
   * @param {number} type
   * @param {number} depth
   * @returns {unknown}
   */
  #typed(type, depth) {
    const view = this.#view;
    switch (type) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return finite(view.getFloat32(this.#take(4)));
      case 0xcb:
        return finite(view.getFloat64(this.#take(8)));
      case 0xcc:
        return view.getUint8(this.#take(1));
      case 0xcd:
        return view.getUint16(this.#take(2));
      case 0xce:
        return view.getUint32(this.#take(4));
      case 0xcf:
        return Number(view.getBigUint64(this.#take(8)));
      case 0xd0:
        return view.getInt8(this.#take(1));
      case 0xd1:
        return view.getInt16(this.#take(2));
      case 0xd2:
        return view.getInt32(this.#take(4));
      case 0xd3:
        return Number(view.getBigInt64(this.#take(8)));
      case 0xd9:
        return this.#string(view.getUint8(this.#take(1)));
      case 0xda:
        return this.#string(view.getUint16(this.#take(2)));
      case 0xdb:
        return this.#string(view.getUint32(this.#take(4)));
      case 0xdc:
        return this.#array(view.getUint16(this.#take(2)), depth);
      case 0xdd:
        return this.#array(view.getUint32(this.#take(4)), depth);
      case 0xde:
        return this.#map(view.getUint16(this.#take(2)), depth);
      case 0xdf:
        return this.#map(view.getUint32(this.#take(4)), depth);
      default:
        throw new RangeError(`a value of type 0x${type.toString(16)}, which Sward does not speak`);
    }
  }

  /** @param {number} length */
  #string(length) {
    const at = this.#take(length);
    try {
      return text.decode(this.#bytes.subarray(at, at + length));
    } catch {
      throw new RangeError('a string that is no UTF-8');
    }
  }

  /**
   * @param {number} length
   * @param {number} depth
   */
  #array(length, depth) {
    // No room is made for what was only announced: each item is read, and there may be none.
    const values = [];
    for (let i = 0; i < length; i += 1) values.push(this.value(depth + 1));
    return values;
  }

  /**
   * @param {number} length
   * @param {number} depth
   */
  #map(length, depth) {
    /** @type {Record<string, unknown>} */
    const object = {};
    for (let i = 0; i < length; i += 1) {
      const key = this.value(depth + 1);
      if (typeof key !== 'string') throw new RangeError('a map key that is no string');
      const value = this.value(depth + 1);
      // Assigning to it would change the object's prototype, which is no business of a stranger's.
      if (key === '__proto__') Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      else object[key] = value;
    }
    return object;
  }

  /**
   * @param {number} bytes
   * @returns {number} where they begin
   */
  #take(bytes) {
    const at = this.#at;
    if (bytes > this.#bytes.length - at) throw new RangeError('a value that is cut off');
    this.#at += bytes;
    return at;
  }
}

/** @param {number} value */
function finite(value) {
  if (Number.isFinite(value)) return value;
  throw new RangeError('a number that JSON cannot say');
}
