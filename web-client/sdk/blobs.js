/**
 * Named blobs of a room: a map, an image. The room's events tell of them (`joined` has `blobs`, `blob` is one that is new or
 * gone), a GET has their bytes. `index.js` does not load this module.
 *
 * @typedef {object} Blob as events tell of it
 * @property {string} name
 * @property {string | null} etag null: it is gone
 * @property {number} [size_bytes]
 * @property {string} [type]
 *
 * @typedef {object} Seated whoever sits in a room: a session
 * @property {{id: string} | null} room
 * @property {(route: string, query?: Record<string, string>) => string} url
 */

/**
 * The URL of a blob of the room one sits in, for `fetch` or an image's `src`. It names these very bytes, so a browser asks
 * for them once; when they have been replaced it is 404 `no_such_blob`, and an event `blob` has told so.
 *
 * It has the session's token in it: keep it to oneself.
 *
 * @param {Seated} session
 * @param {Blob} blob
 * @returns {string | null} null outside of a room, and for a blob that is gone
 */
export function blobUrl(session, { name, etag }) {
  const { room } = session;
  return room && etag ? session.url(`/v1/rooms/${encodeURIComponent(room.id)}/blobs/${encodeURIComponent(name)}`, { etag }) : null;
}
