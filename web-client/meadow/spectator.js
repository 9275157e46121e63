import { RoomView } from '../sdk/room-view.js';
import { Input } from './input.js';
import { World } from './world.js';
import { Chat } from './ui/chat.js';
import { byId } from './ui/dom.js';
import { PlayerList } from './ui/players.js';

/**
 * Somebody who watches a meadow without a seat: `/?watch=<room id>`. The camera follows one of the players until it is
 * moved by hand.
 *
 * @typedef {import('./camera.js').Camera} Camera
 * @typedef {import('./view/scene.js').Scene} Scene
 */

/** What of the stream a page that watches has a use for. */
const EVENTS = ['joined', 'here', 'gone', 'away', 'back', 'room', 'patch', 'msg', 'chat'];

/** The code of a farewell after which there is nothing more to watch. */
const ROOM_CLOSED = 3501;

/** How fast the keys move the camera, in CSS pixels per second. */
const PAN_SPEED = 620;
const LIST_MS = 250;

export class Spectator {
  world = new World();
  /** Whose animal the camera follows; null when it is moved by hand. @type {number | null} */
  followed = null;
  #scene;
  #camera;
  #input;
  #room = new RoomView();
  #players = new PlayerList();
  #chat = new Chat(() => {}, () => {});
  #source;
  #onEnd;
  #is_following = true;
  /** Where the pointer was held a frame ago, in CSS pixels. @type {{x: number, y: number} | null} */
  #grip = null;
  #listed_ms = -Infinity;
  #phase = 'connecting…';

  /**
   * @param {string} id of the room
   * @param {Scene} scene
   * @param {Camera} camera
   * @param {(title: string, text: string) => void} onEnd nothing more is to be seen
   */
  constructor(id, scene, camera, onEnd) {
    this.#scene = scene;
    this.#camera = camera;
    this.#onEnd = onEnd;
    this.#input = new Input(byId('field', 'canvas'), {
      tapped: (spot) => this.#tapped(spot),
      pick: () => this.#next(),
      drop: () => {},
      write: () => {},
      emote: () => {},
    });
    this.#choosePlayers();
    this.#source = new EventSource(`/v1/rooms/${encodeURIComponent(id)}/watch`);
    for (const name of EVENTS) this.#source.addEventListener(name, (event) => this.#heard(name, event.data));
    this.#source.addEventListener('bye', (event) => this.#bye(event.data));
    this.#source.addEventListener('error', () => this.#interrupted());
  }

  get chat_said() {
    return this.#chat.said;
  }

  /** Whether there is something to see. */
  get is_watching() {
    return this.#phase === 'watching';
  }

  get code() {
    return this.#room.room?.code ?? null;
  }

  /**
   * @param {number} now_ms
   * @param {number} elapsed_s
   * @param {boolean} calm
   */
  frame(now_ms, elapsed_s, calm) {
    const { world } = this;
    this.#move(elapsed_s);
    if (this.#is_following) this.#follow(now_ms, calm ? Infinity : elapsed_s);
    this.#scene.draw({ world, walker: null, target: null, near: null, now_ms, elapsed_s, calm });
    if (now_ms - this.#listed_ms < LIST_MS) return;
    this.#listed_ms = now_ms;
    this.#players.show(world);
    this.#tell();
  }

  /** Keys and the pointer move the camera, which follows nobody from then on. */
  #move(elapsed_s = 0) {
    const { direction, held } = this.#input;
    const grip = this.#grip;
    this.#grip = held ? { x: held.x, y: held.y } : null;
    const camera = this.#camera;
    let x = (direction?.x ?? 0) * PAN_SPEED * elapsed_s;
    let y = (direction?.y ?? 0) * PAN_SPEED * elapsed_s;
    if (held && grip) {
      x += grip.x - held.x;
      y += grip.y - held.y;
    }
    if (x === 0 && y === 0) return;
    this.#is_following = false;
    this.followed = null;
    const spot = { x: camera.x + x / camera.zoom, y: camera.y + y / camera.zoom };
    camera.follow(spot, this.world, this.#scene.margin, Infinity);
  }

  /**
   * @param {number} now_ms
   * @param {number} elapsed_s
   */
  #follow(now_ms, elapsed_s) {
    const { world } = this;
    if (this.followed === null || !world.animals.has(this.followed)) {
      const was_anyone = this.followed !== null;
      this.followed = [...world.animals.values()].find(({ away }) => !away)?.seat ?? null;
      if (!was_anyone) elapsed_s = Infinity;
    }
    const spot = this.followed === null ? null : world.positionOf(this.followed, now_ms);
    this.#camera.follow(spot ?? (this.followed === null ? { x: world.width / 2, y: world.height / 2 } : this.#camera), world, this.#scene.margin, elapsed_s);
  }

  /** Follows the next player. */
  #next() {
    const seats = [...this.world.animals.keys()].sort((a, b) => a - b);
    const next = seats.find((seat) => seat > (this.followed ?? -1)) ?? seats[0];
    if (next !== undefined) this.#choose(next);
  }

  /** @param {number} seat */
  #choose(seat) {
    this.followed = seat;
    this.#is_following = true;
  }

  /** @param {{x: number, y: number}} spot in CSS pixels */
  #tapped(spot) {
    const place = this.#camera.toField(spot.x, spot.y);
    const now_ms = performance.now();
    for (const { seat } of this.world.animals.values()) {
      const at = this.world.positionOf(seat, now_ms);
      if (at && Math.hypot(at.x - place.x, at.y - 30 - place.y) < 60) return this.#choose(seat);
    }
  }

  #choosePlayers() {
    byId('players-list', 'ul').addEventListener('click', (event) => {
      const row = event.target instanceof Element ? event.target.closest('li') : null;
      const seat = Number(row?.dataset.seat);
      if (this.world.animals.has(seat)) this.#choose(seat);
    });
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #heard(name, text) {
    const data = readJson(text);
    // Nobody's own seat: a view of a room has one.
    const seen = this.#room.apply(name, name === 'joined' ? { .../** @type {object} */ (data), seat: 0 } : data);
    if (!seen) return;
    const now_ms = performance.now();
    const { world } = this;
    const payload = /** @type {any} */ (seen.payload);
    if (name === 'joined') this.#joined(payload);
    else if (name === 'patch') for (const picked of world.patch(payload, now_ms)) this.#scene.burst(picked, now_ms);
    else if (name === 'here') world.here(payload);
    else if (name === 'gone') world.gone(payload.seat);
    else if (name === 'away' || name === 'back') world.setAway(payload.seat, name === 'away');
    else if (name === 'msg' && payload.type === 'emote') world.feel(payload.from, payload.data?.emote, now_ms);
    else if (name === 'chat') {
      world.say(payload.from, payload.text, now_ms);
      this.#chat.add(payload.player?.name ?? 'somebody', payload.text, false);
    }
  }

  /** @param {{room: import('../sdk/room-view.js').Room, players: any[], state: unknown}} joined */
  #joined({ room, players, state }) {
    this.world.enter({ seat: 0, players, state }, performance.now());
    this.#phase = 'watching';
    byId('code', 'b').textContent = room.code;
    const play = byId('play', 'a');
    play.href = `/?room=${encodeURIComponent(room.code)}`;
    play.hidden = room.password || room.locked || room.code === '';
  }

  /** @param {string} text */
  #bye(text) {
    const { code } = /** @type {{code?: unknown}} */ (readJson(text) ?? {});
    // After any other farewell the browser comes back by itself.
    if (code !== ROOM_CLOSED) return;
    this.#source.close();
    this.#phase = 'over';
    this.#onEnd('This meadow closed', 'There is nothing more to watch here.');
  }

  #interrupted() {
    if (this.#phase === 'over') return;
    if (this.#source.readyState !== EventSource.CLOSED) {
      this.#phase = 'reconnecting…';
      return;
    }
    this.#phase = 'over';
    this.#onEnd('There is nothing to watch', 'No such meadow is open to those who only want to look.');
  }

  #tell() {
    const badge = byId('badge', 'p');
    const quality = this.is_watching ? 'good' : this.#phase === 'over' ? 'poor' : 'fair';
    const name = this.followed === null ? '' : (this.world.animals.get(this.followed)?.name ?? '');
    const text = this.is_watching && name !== '' ? `watching ${name}` : this.#phase;
    if (badge.dataset.quality !== quality) badge.dataset.quality = quality;
    const shown = byId('badge-text', 'span');
    if (shown.textContent !== text) shown.textContent = text;
    badge.title = 'Drag the field or use the arrow keys to look around. Click a player to follow him, or press the space bar for the next one.';
  }
}

/**
 * @param {string} text
 * @returns {unknown} undefined for what is no JSON
 */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
