import { Camera } from './camera.js';
import { Input } from './input.js';
import { Latency } from './latency.js';
import { Scene } from './view/scene.js';
import { EMOTES, World } from './world.js';
import { Actions } from './ui/actions.js';
import { Badge } from './ui/badge.js';
import { Bag } from './ui/bag.js';
import { Chat } from './ui/chat.js';
import { byId } from './ui/dom.js';
import { PlayerList } from './ui/players.js';
import { Toasts } from './ui/toasts.js';
import { Walker } from './walker.js';

/**
 * One player in one meadow: brings together the session, the world, the picture and the controls.
 *
 * @typedef {import('../sdk/index.js').Session} Session
 */

/** The server measures the reach from where it has the animal, which is a few steps behind. */
const REACH_SPARE = 14;

/** A tap this near to a flower or a thing means it. */
const TAP_NEAR = 36;

/** After this much rest the server's word on the own position is the newest there is. */
const REST_MS = 1_200;

/** What to say for the codes of the game. @type {Record<string, string>} */
const REFUSALS = {
  already_picked: 'Somebody was quicker.',
  already_taken: 'Somebody was quicker.',
  too_far: 'A little nearer, please.',
  bag_full: 'Your bag is full. Drop something first.',
};

/** The same thing is not asked for again within this time: who presses a key twice means it once. */
const ASK_AGAIN_MS = 700;

const LIST_MS = 250;
const EMOTE_EVERY_MS = 520;

export class Game {
  world = new World();
  /** @type {Walker | null} */
  walker = null;
  #scene;
  #camera;
  #input;
  /** @type {Session | null} */
  #session = null;
  /** @type {(() => void)[]} */
  #unsubscribes = [];
  #chat = new Chat((text) => this.#say(text), () => this.#canvas.focus({ preventScroll: true }));
  #players = new PlayerList();
  #toasts = new Toasts();
  #badge = new Badge();
  #latency = new Latency();
  #actions = new Actions(() => this.#pick(), (emote) => this.#emote(emote));
  #bag = new Bag((thing) => this.#drop(thing));
  #canvas = byId('field', 'canvas');
  /** Where the log shows no news: a phone has no room for more than what was said. */
  #narrow = matchMedia('(max-width: 700px)');
  /** @type {{x: number, y: number} | null} */
  #target = null;
  /** What the own animal goes to in order to pick or take it. @type {import('./world.js').Near | null} */
  #wanted = null;
  #room_id = '';
  #listed_ms = -Infinity;
  #emoted_ms = -Infinity;
  /** What was asked for last, and when: the answer may be under way. */
  #asked = { key: '', at_ms: -Infinity };

  /**
   * @param {Scene} scene
   * @param {Camera} camera
   */
  constructor(scene, camera) {
    this.#scene = scene;
    this.#camera = camera;
    this.#input = new Input(this.#canvas, {
      tapped: (spot) => this.#tapped(spot),
      pick: () => this.#pick(),
      drop: () => {
        const last = this.world.bag.at(-1);
        if (last) this.#drop(last.id);
      },
      write: () => this.#chat.focus(),
      emote: (index) => {
        const emote = EMOTES[index];
        if (emote) this.#emote(emote);
      },
    });
    byId('share', 'button').addEventListener('click', () => void this.#share());
  }

  /**
   * Plays in this session from now on.
   *
   * @param {Session} session
   */
  attach(session) {
    for (const unsubscribe of this.#unsubscribes) unsubscribe();
    this.#session = session;
    this.#unsubscribes = this.#listen(session);
  }

  get toasts() {
    return this.#toasts;
  }

  get chat_said() {
    return this.#chat.said;
  }

  /**
   * @param {number} now_ms
   * @param {number} elapsed_s
   * @param {boolean} calm
   */
  frame(now_ms, elapsed_s, calm) {
    const { walker, world } = this;
    if (walker) {
      const reached = walker.step(this.#intent(), elapsed_s, now_ms);
      if (reached) this.#target = null;
      const move = walker.moveToSend(now_ms);
      if (move) this.#send('move', move, 'move');
      this.#pickWanted(walker);
      this.#camera.follow(walker.drawn, world, this.#scene.margin, calm ? Infinity : elapsed_s);
    }
    const near = walker ? world.nearest(walker.x, walker.y, world.reach - REACH_SPARE) : null;
    this.#actions.canPick(near);
    this.#bag.show(world);
    this.#scene.draw({ world, walker, target: this.#target, near, now_ms, elapsed_s, calm });
    if (now_ms - this.#listed_ms < LIST_MS) return;
    this.#listed_ms = now_ms;
    this.#players.show(world);
    if (!this.#session) return;
    if (this.#session.phase === 'online') this.#ping(this.#session, now_ms);
    this.#badge.show(this.#session.phase, this.#latency.median_ms);
  }

  /**
   * @param {Session} session
   * @param {number} now_ms
   */
  #ping(session, now_ms) {
    const round = this.#latency.begin(now_ms);
    if (round === null) return;
    session.ping().then(
      (elapsed_ms) => this.#latency.heard(round, elapsed_ms),
      () => this.#latency.failed(round, performance.now()),
    );
  }

  /** @returns {import('./walker.js').Intent} */
  #intent() {
    const { direction, held } = this.#input;
    if (direction || held) {
      this.#target = null;
      this.#wanted = null;
    }
    if (direction) return { direction };
    if (held) return { target: this.#camera.toField(held.x, held.y) };
    return this.#target ? { target: this.#target } : null;
  }

  /** @param {Session} session */
  #listen(session) {
    const { world } = this;
    return [
      session.on('status', () => this.#latency.restart(performance.now())),
      session.on('joined', (joined) => this.#joined(joined)),
      session.on('here', (player) => {
        world.here(player);
        this.#tell(player.name, 'came to the meadow');
      }),
      session.on('gone', ({ seat, why, player, own }) => {
        if (own) return;
        world.gone(seat);
        if (player) this.#tell(player.name, why === 'lost' ? 'lost the way here' : 'left the meadow');
      }),
      session.on('away', ({ seat, player }) => {
        const was_away = world.animals.get(seat)?.away;
        world.setAway(seat, true);
        if (!was_away) this.#tell(player.name, 'is away');
      }),
      session.on('back', ({ seat, player }) => {
        world.setAway(seat, false);
        this.#tell(player.name, 'is back');
      }),
      session.on('patch', (data) => this.#patch(data)),
      session.on('state', (data) => this.#patch(data)),
      session.on('chat', ({ from, player, text }) => {
        world.say(from, text, performance.now());
        this.#chat.add(player?.name ?? 'somebody', text, from === world.own_seat);
      }),
      session.on('msg', ({ from, type, data }) => {
        if (type === 'emote') world.feel(from, data?.emote, performance.now());
        else if (type === 'placed' && from === 0) this.#placed(data);
      }),
    ];
  }

  /** @param {{room: import('../sdk/room-view.js').Room, seat: number, players: any[], state: unknown}} joined */
  #joined(joined) {
    const now_ms = performance.now();
    const same = joined.room.id === this.#room_id;
    this.#room_id = joined.room.id;
    this.world.enter(joined, now_ms);
    if (!same) {
      this.walker = null;
      this.#target = null;
      this.#latency.restart(now_ms);
    }
    this.#takePlace(now_ms);
    byId('code', 'b').textContent = joined.room.code;
    const url = new URL(location.href);
    url.searchParams.set('room', joined.room.code);
    history.replaceState(null, '', url);
  }

  /** @param {unknown} data */
  #patch(data) {
    const now_ms = performance.now();
    for (const picked of this.world.patch(data, now_ms)) this.#scene.burst(picked, now_ms);
    if (!this.walker || this.walker.restedFor(now_ms) > REST_MS) this.#takePlace(now_ms);
  }

  /**
   * Stands where the server says: at first, and whenever the two disagree at rest.
   *
   * @param {number} now_ms
   */
  #takePlace(now_ms) {
    const { own_seat } = this.world;
    const spot = own_seat === null ? null : this.world.latestOf(own_seat);
    if (!spot) return;
    if (!this.walker) {
      this.walker = new Walker(spot, this.world);
      this.#camera.follow(spot, this.world, this.#scene.margin, Infinity);
    } else if (Math.hypot(spot.x - this.walker.x, spot.y - this.walker.y) > 1 && this.walker.restedFor(now_ms) > 0) {
      this.walker.place(spot);
    }
  }

  /** @param {{x?: unknown, y?: unknown} | null} data */
  #placed(data) {
    if (typeof data?.x !== 'number' || typeof data.y !== 'number') return;
    this.walker?.place({ x: data.x, y: data.y });
  }

  /** @param {{x: number, y: number}} spot in CSS pixels */
  #tapped(spot) {
    const place = this.#camera.toField(spot.x, spot.y);
    // A flower is tapped at its head, which is above the place it grows at.
    const near = this.world.nearest(place.x, place.y + 14, TAP_NEAR);
    this.#wanted = near;
    this.#target = near ? { x: near.x, y: near.y + 12 } : place;
  }

  /** @param {Walker} walker */
  #pickWanted(walker) {
    const wanted = this.#wanted;
    if (!wanted) return;
    if (!this.world.isThere(wanted)) {
      this.#wanted = null;
      return;
    }
    if (Math.hypot(wanted.x - walker.x, wanted.y - walker.y) > this.world.reach * 0.6) return;
    this.#wanted = null;
    this.#pickUp(wanted);
  }

  #pick() {
    const { walker, world } = this;
    const near = walker && world.nearest(walker.x, walker.y, world.reach - REACH_SPARE);
    if (near) this.#pickUp(near);
    else this.#toasts.say('Nothing is near enough to pick.');
  }

  /** @param {import('./world.js').Near} near */
  #pickUp({ what, id }) {
    const [key, now_ms] = [`${what} ${id}`, performance.now()];
    if (this.#asked.key === key && now_ms - this.#asked.at_ms < ASK_AGAIN_MS) return;
    this.#asked = { key, at_ms: now_ms };
    const asked = what === 'flower' ? this.#session?.request('pick', { flower: id }) : this.#session?.request('take', { thing: id });
    asked?.catch(({ code }) => {
      const reason = REFUSALS[code];
      if (reason !== undefined) this.#toasts.say(reason);
    });
  }

  /** @param {number} thing */
  #drop(thing) {
    // It is not there any more if it was dropped twice.
    this.#session?.request('drop', { thing }).catch(() => {});
  }

  /** @param {import('./world.js').Emote} emote */
  #emote(emote) {
    const now_ms = performance.now();
    if (now_ms - this.#emoted_ms < EMOTE_EVERY_MS) return;
    this.#emoted_ms = now_ms;
    this.#send('emote', { emote });
  }

  /** @param {string} text */
  #say(text) {
    this.#session?.chat(text).catch(() => {
      this.#chat.giveBack(text);
      this.#toasts.say('That could not be said.');
    });
  }

  /**
   * @param {string} type
   * @param {unknown} data
   * @param {string} [latest]
   */
  #send(type, data, latest) {
    // After the end the page shows why; a full queue means that the network has been away for long, and the newest
    // position goes when it is back.
    try {
      this.#session?.send(type, data, latest === undefined ? {} : { latest });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error;
    }
  }

  /**
   * Says it once: where there is a log, as a line of it.
   *
   * @param {string} name
   * @param {string} what
   */
  #tell(name, what) {
    if (this.#narrow.matches) this.#toasts.about(name, what);
    else this.#chat.news(name, what);
  }

  async #share() {
    const { href } = location;
    try {
      if (matchMedia('(pointer: coarse)').matches && navigator.share) {
        await navigator.share({ title: 'Meadow', url: href });
        return;
      }
      await navigator.clipboard.writeText(href);
      this.#toasts.say('The link is copied. Send it to a friend.');
    } catch {
      this.#toasts.say(`Send this address to a friend: ${href}`);
    }
  }
}
