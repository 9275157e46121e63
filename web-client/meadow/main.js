import { connect, storedSession } from '../sdk/index.js';
import { Backdrop } from './backdrop.js';
import { Camera } from './camera.js';
import { Game } from './game.js';
import { Spectator } from './spectator.js';
import { byId } from './ui/dom.js';
import { StartCard, recall } from './ui/start.js';
import { Scene } from './view/scene.js';

/**
 * The page from its first frame on: the backdrop and the start card, then a session and the game; or, with `?watch=` and
 * a room's id, that room without a seat.
 *
 * @typedef {import('./ui/start.js').Choice} Choice
 * @typedef {import('../sdk/index.js').Session} Session
 */

const GAME = 'meadow';
const still = matchMedia('(prefers-reduced-motion: reduce)');

const camera = new Camera();
const scene = new Scene(byId('field', 'canvas'), camera);
const backdrop = new Backdrop(performance.now());
const watched = watchedRoom();
const spectator = watched === null ? null : new Spectator(watched, scene, camera, offerReturn);
const game = spectator ? null : new Game(scene, camera);
const start = game && new StartCard((choice) => void enter(game, choice));

const invited = invitedTo();
let frame_ms = performance.now();

function resize() {
  scene.resize();
  if (spectator) camera.follow(camera, spectator.world, scene.margin, Infinity);
  else camera.follow(game?.walker?.drawn ?? backdrop.spot, game?.walker ? game.world : backdrop.world, scene.margin, Infinity);
}

/** @param {number} now_ms */
function frame(now_ms) {
  requestAnimationFrame(frame);
  const elapsed_s = Math.max(0, now_ms - frame_ms) / 1_000;
  frame_ms = now_ms;
  const shown = spectator ?? (game?.walker ? game : null);
  if (shown) {
    shown.frame(now_ms, elapsed_s, still.matches);
    return;
  }
  backdrop.step(now_ms, still.matches);
  scene.draw({ world: backdrop.world, walker: null, target: null, near: null, now_ms, elapsed_s, calm: still.matches });
}

/** @returns {string | null} the code in the address */
function invitedTo() {
  const code = new URLSearchParams(location.search).get('room');
  return code !== null && /^[A-Za-z]{1,12}$/.test(code) ? code.toUpperCase() : null;
}

/** @returns {string | null} the id in the address */
function watchedRoom() {
  const id = new URLSearchParams(location.search).get('watch');
  return id !== null && /^[\w-]{1,64}$/.test(id) ? id : null;
}

/**
 * @param {Game} game
 * @param {Choice} choice
 */
async function enter(game, { name, animal }) {
  start?.setBusy(true);
  /** @type {Session | null} */
  let session = null;
  try {
    session = await connect({ url: location.origin, name, resume: true });
    game.attach(session);
    if (!session.seated || invited !== null) await findMeadow(game, session, animal);
    listen(game, session, animal);
    expose(game, session);
    show('playing');
  } catch (error) {
    session?.close();
    start?.setBusy(false);
    start?.refuse(/** @type {import('../sdk/index.js').SwardError} */ (error));
  }
}

/** @param {'playing' | 'watching'} stage */
function show(stage) {
  document.body.dataset.stage = stage;
  byId('hud', 'div').hidden = false;
  byId('field', 'canvas').focus({ preventScroll: true });
}

/**
 * The meadow of the address, else the open one.
 *
 * @param {Game} game
 * @param {Session} session
 * @param {string} animal
 */
async function findMeadow(game, session, animal) {
  const code = invitedTo();
  if (code !== null) {
    try {
      await session.join({ code, me: { animal } });
      return;
    } catch (error) {
      const reason = /** @type {import('../sdk/index.js').SwardError} */ (error).code;
      if (reason !== 'room_not_found' && reason !== 'room_full') throw error;
      game.toasts.say(
        reason === 'room_full' ? `The meadow ${code} is full. Here is an open one.` : `There is no meadow ${code}. Here is the open one.`,
      );
      if (session.seated) return;
    }
  }
  await session.join({ game: GAME, create: true, me: { animal } });
}

/**
 * What may end or replace the session while the game goes on.
 *
 * @param {Game} game
 * @param {Session} session
 * @param {string} animal
 */
function listen(game, session, animal) {
  session.on('renewed', ({ room, error }) => {
    if (room) game.toasts.say('The connection was lost. You are back in the meadow.');
    else if (error) void findMeadow(game, session, animal).catch(() => offerReturn('The meadow is gone', 'It could not be found again.'));
  });
  session.on('gone', ({ own, why }) => {
    // The seat was lost with its session: `renewed` follows.
    if (!own || why === 'lost') return;
    game.toasts.say('This meadow closed. Here is another one.');
    void findMeadow(game, session, animal).catch(() => offerReturn('The meadow closed', 'No other one could be found.'));
  });
  session.on('closed', (error) => {
    if (error.code === 'replaced') offerReturn('You are in another tab', 'This animal walks in another tab of this browser now.');
    else if (error.code !== 'closed') offerReturn('The meadow is out of reach', error.detail);
  });
}

/**
 * @param {string} title
 * @param {string} text
 */
function offerReturn(title, text) {
  const label = watched === null ? 'Come back here' : 'Look again';
  const dialog = byId('ended', 'dialog');
  byId('ended-title', 'h2').textContent = title;
  byId('ended-text', 'p').textContent = text;
  const again = byId('again', 'button');
  again.textContent = label;
  again.onclick = () => location.reload();
  if (!dialog.open) dialog.showModal();
}

/**
 * A read-only look inside, for tests and for the curious at the browser's console.
 *
 * @param {Game} game
 * @param {Session} session
 */
function expose(game, session) {
  const { world } = game;
  const state = () => ({
    ...seen(world),
    phase: session.phase,
    player: session.player,
    code: session.room?.code ?? null,
    room: session.room?.id ?? null,
    own: game.walker && { seat: world.own_seat, x: game.walker.x, y: game.walker.y, basket: world.own?.basket ?? 0, bag: world.bag },
    chat: game.chat_said.map((line) => ({ ...line })),
  });
  Object.defineProperty(window, 'meadow', { value: Object.freeze({ state, session }), configurable: true });
}

/** @param {Spectator} spectator */
function exposeWatching(spectator) {
  const state = () => ({
    ...seen(spectator.world),
    phase: spectator.is_watching ? 'watching' : 'waiting',
    player: null,
    code: spectator.code,
    room: watched,
    own: null,
    followed: spectator.followed,
    camera: { x: camera.x, y: camera.y },
    chat: spectator.chat_said.map((line) => ({ ...line })),
  });
  Object.defineProperty(window, 'meadow', { value: Object.freeze({ state }), configurable: true });
}

/** @param {import('./world.js').World} world */
function seen(world) {
  return {
    animals: [...world.animals.values()].map(({ seat, name, kind, away, basket }) => ({
      seat, name, kind, away, basket, carries: world.spotOf(seat)?.carries ?? 0, ...world.positionOf(seat, performance.now()),
    })),
    flowers: [...world.flowers.values()].map(({ id, x, y, kind, open }) => ({ id, x, y, kind, open })),
    things: [...world.things.values()].map(({ id, x, y, kind }) => ({ id, x, y, kind })),
    hash: world.hash,
    toScreen: (/** @type {number} */ x, /** @type {number} */ y) => camera.toScreen(x, y),
  };
}

window.addEventListener('resize', resize);
resize();
requestAnimationFrame(frame);
if (spectator) {
  show('watching');
  exposeWatching(spectator);
}
if (start && invited !== null) start.invite(invited);
const stored = storedSession();
if (game && stored) void enter(game, { name: stored.name, animal: recall().animal });
