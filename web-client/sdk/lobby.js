import { isCount, isObject } from './shape.js';

/**
 * What one knows of a lobby, kept current from the events `lobby` and `chat`. `index.js` does not load this module; it
 * needs nothing but a session.
 *
 * @typedef {Record<string, unknown> & {id: string}} Listed a room, as lists show it, or a player `{id, name}`
 *
 * @typedef {object} Lobby
 * @property {string | null} game null: the whole server's
 * @property {Map<string, Listed>} rooms by id
 * @property {Map<string, Listed>} players by id: those whom the lobby names
 * @property {Record<string, number>} counts `watching`, `online`, `rooms`, `playing`
 * @property {string | null} next `GET /v1/rooms?game=…&after=` this has more rooms than were told; null: these are all
 * @property {Record<string, unknown>[]} chat the last lines, oldest first
 * @property {() => Promise<unknown>} leave
 */

const LINES_MAX = 100;

/**
 * Watches a lobby. Resolves when the server has taken it; `changed` is called with the first snapshot, and whenever
 * something changed. A session that is renewed after a restart of the server watches nothing: watch again then.
 *
 * @param {import('./session.js').Session} session
 * @param {string | null} game null: that of the whole server
 * @param {(lobby: Lobby) => void} changed
 * @returns {Promise<Lobby>}
 * @throws {import('./errors.js').SwardError} `unknown_game`, `too_many_lobbies`, `rate_limited`
 */
export async function watchLobby(session, game, changed) {
  const unlisten = [
    session.on('lobby', (news) => apply(lobby, news) && changed(lobby)),
    session.on('chat', (line) => hear(lobby, line) && changed(lobby)),
  ];
  /** @type {Lobby} */
  const lobby = {
    game,
    rooms: new Map(),
    players: new Map(),
    counts: {},
    next: null,
    chat: [],
    leave() {
      for (const stop of unlisten) stop();
      return session.request('sward.lobby', { game, watch: false });
    },
  };
  try {
    await session.request('sward.lobby', { game });
  } catch (error) {
    for (const stop of unlisten) stop();
    throw error;
  }
  return lobby;
}

/**
 * @param {Lobby} lobby
 * @param {unknown} news
 * @returns {boolean} whether it was of this lobby
 */
export function apply(lobby, news) {
  if (!isObject(news) || (news.game ?? null) !== lobby.game) return false;
  if (news.reset === true) {
    lobby.rooms.clear();
    lobby.players.clear();
    lobby.chat = Array.isArray(news.chat) ? news.chat.filter(isObject) : [];
    lobby.next = typeof news.next === 'string' ? news.next : null;
  }
  put(lobby.rooms, news.rooms, news.closed);
  put(lobby.players, news.here, news.gone);
  if (isObject(news.counts)) {
    for (const [name, count] of Object.entries(news.counts)) if (isCount(count)) lobby.counts[name] = count;
  }
  return true;
}

/**
 * @param {Lobby} lobby
 * @param {Record<string, unknown>} line
 */
function hear(lobby, line) {
  const here = lobby.game === null ? line.scope === 'server' : line.scope === 'lobby' && line.game === lobby.game;
  if (here) lobby.chat = [...lobby.chat, line].slice(-LINES_MAX);
  return here;
}

/**
 * @param {Map<string, Listed>} known
 * @param {unknown} now
 * @param {unknown} gone
 */
function put(known, now, gone) {
  for (const entry of Array.isArray(now) ? now : []) {
    if (isObject(entry) && typeof entry.id === 'string') known.set(entry.id, { ...entry, id: entry.id });
  }
  for (const id of Array.isArray(gone) ? gone : []) known.delete(id);
}
