import { decode } from './msgpack.js';

/**
 * The frames of `Accept: application/vnd.sward.frames`, read incrementally: a big-endian u32 of the bytes that follow,
 * then MessagePack `[id or nil, name, data]`. Pure: bytes in, events out, cut anywhere. `index.js` does not load this
 * module.
 *
 * @typedef {object} FrameEvent
 * @property {string | null} id
 * @property {string} name
 * @property {unknown} data
 */

/** `joined` is at most 1 MiB as JSON; MessagePack may grow. */
export const FRAME_BYTES_MAX = 4 * 1024 * 1024;

const HEAD_BYTES = 4;

/** @param {{event: (event: FrameEvent) => void}} handlers */
export function createFrameParser({ event }) {
  let buffer = new Uint8Array(1024);
  let length = 0;

  /** @param {Uint8Array} chunk */
  function append(chunk) {
    if (length + chunk.length > buffer.length) {
      const larger = new Uint8Array(Math.max(length + chunk.length, buffer.length * 2));
      larger.set(buffer.subarray(0, length));
      buffer = larger;
    }
    buffer.set(chunk, length);
    length += chunk.length;
  }

  return {
    /**
     * @param {Uint8Array} chunk
     * @throws {RangeError} for bytes that are no frames: the stream is unusable from here on
     */
    push(chunk) {
      append(chunk);
      let from = 0;
      const view = new DataView(buffer.buffer);
      try {
        while (length - from >= HEAD_BYTES) {
          const bytes = view.getUint32(from);
          if (bytes > FRAME_BYTES_MAX) throw new RangeError(`a frame of ${bytes} bytes`);
          const end = from + HEAD_BYTES + bytes;
          if (end > length) break;
          const frame = readFrame(buffer.subarray(from + HEAD_BYTES, end));
          from = end;
          event(frame);
        }
      } finally {
        // What a large `joined` needed is given back.
        buffer = from === length && buffer.length > 65_536 ? new Uint8Array(1024) : buffer;
        buffer.copyWithin(0, from, length);
        length -= from;
      }
    },
  };
}

/**
 * @param {Uint8Array} bytes
 * @returns {FrameEvent}
 */
function readFrame(bytes) {
  const frame = decode(bytes);
  if (!Array.isArray(frame) || frame.length !== 3) throw new RangeError('a frame that is no event');
  const [id, name, data] = frame;
  if ((id !== null && typeof id !== 'string') || typeof name !== 'string') throw new RangeError('a frame that is no event');
  return { id, name, data };
}
