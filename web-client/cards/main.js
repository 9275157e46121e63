import { connect, storedSession } from '../sdk/index.js';
import { byId, make, nameElement } from '../meadow/ui/dom.js';
import { SUITS, Table, nameOf, rankOf } from './table.js';
import { View } from './view.js';

/**
 * The page of the card game: a name, a table by its code or an open one, and the moves.
 *
 * @typedef {import('../sdk/index.js').Session} Session
 * @typedef {import('../sdk/index.js').SwardError} SwardError
 */

const GAME = 'cards';
const STORAGE_KEY = 'cards.session';
const TIME_MS = 250;

/** What to say for the server's codes. */
const REASONS = /** @type {Record<string, string>} */ ({
  bad_name: 'This name cannot be used. Up to 24 letters, digits or emoji, please.',
  does_not_fit: 'That card does not fit.',
  not_your_turn: 'It is not your turn.',
  timeout: 'The table cannot be reached. Is the network there?',
  network: 'The table cannot be reached. Is the network there?',
});

/** @type {Record<string, string>} */
const PHASES = { online: '', waiting: 'reconnecting…', opening: 'reconnecting…', suspended: 'asleep', closed: 'disconnected' };

/** @type {Record<string, string>} */
const ENDINGS = { out: 'has no card left', blocked: 'holds the fewest points', alone: 'is the last one here' };

const table = new Table();
const view = new View(play);
const invited = new URLSearchParams(location.search).get('room');
/** @type {Session | null} */
let session = null;

function draw() {
  if (session?.room) view.draw(table, session.room);
}

/** @param {...(Node | string)} words */
function say(...words) {
  byId('said', 'p').replaceChildren(...words);
}

/** @param {SwardError} error */
function explain(error) {
  say(REASONS[error.code] ?? error.detail);
}

/** @param {string} type @param {unknown} [data] */
function move(type, data) {
  session?.request(type, data).catch(explain);
}

/** @param {string} card */
function play(card) {
  if (table.round?.turn !== session?.room?.seat) return say('It is not your turn.');
  if (!table.fits(card)) return say(`The ${nameOf(card)} does not fit.`);
  if (rankOf(card) !== '8') return move('play', { card });
  const buttons = Object.entries(SUITS).map(([suit, { sign, name }]) => {
    const button = make('button', 'suit-button', sign);
    button.dataset.suit = suit;
    button.setAttribute('aria-label', name);
    button.onclick = () => {
      byId('suits', 'dialog').close();
      move('play', { card, suit });
    };
    return button;
  });
  byId('suits-choice', 'div').replaceChildren(...buttons);
  byId('suits', 'dialog').showModal();
}

function drawCard() {
  if (table.round && table.round.turn === session?.room?.seat && !table.hand.drew) move('draw');
}

/** @param {{from: number, player: {name: string} | null, type: string, data: any}} message */
function heard({ player, type, data }) {
  const who = nameElement(player?.name ?? '?');
  if (type === 'hand') table.hand = data;
  else if (type === 'round_began') say('A new round. Good luck!');
  else if (type === 'played') say(who, ` played the ${nameOf(data.card)}`, rankOf(data.card) === '8' ? ` and wants ${SUITS[/** @type {import('./table.js').Suit} */ (data.suit)].name}` : '');
  else if (type === 'drew') say(who, ' drew a card');
  else if (type === 'passed') say(who, ' passed');
  else if (type === 'round_over') {
    const winner = nameElement(session?.room?.players.get(data.winner)?.name ?? '?');
    say(winner, ` ${ENDINGS[data.why] ?? 'wins'}: ${data.points} points`);
  }
  draw();
}

/** @param {Session} joined */
async function findTable(joined) {
  if (invited !== null) {
    try {
      await joined.join({ code: invited });
      return;
    } catch (error) {
      const reason = /** @type {SwardError} */ (error).code;
      if (!['room_not_found', 'room_full'].includes(reason)) throw error;
      say(`There is no free seat at ${invited.toUpperCase()}. Here is an open table.`);
      if (joined.seated) return;
    }
  }
  await joined.join({ game: GAME, create: true });
}

/** @param {string} name */
async function enter(name) {
  const button = byId('enter', 'button');
  button.disabled = true;
  try {
    session = await connect({ url: location.origin, name, resume: true, storage_key: STORAGE_KEY });
    listen(session);
    if (!session.seated || invited !== null) await findTable(session);
    document.body.dataset.stage = 'playing';
    byId('game', 'div').hidden = false;
    Object.defineProperty(window, 'cards', { value: Object.freeze({ table, session }), configurable: true });
    draw();
  } catch (error) {
    session?.close();
    button.disabled = false;
    const { code, detail } = /** @type {SwardError} */ (error);
    byId('start-error', 'p').textContent = REASONS[code] ?? detail;
  }
}

/** @param {Session} heard_of */
function listen(heard_of) {
  heard_of.on('joined', ({ room, state }) => {
    table.take(state);
    history.replaceState(null, '', `?room=${room.code}`);
    draw();
  });
  heard_of.on('patch', (state) => {
    table.take(state);
    draw();
  });
  heard_of.on('msg', heard);
  for (const name of ['here', 'away', 'back']) heard_of.on(name, draw);
  heard_of.on('gone', ({ own, why, player }) => {
    if (own && why !== 'lost') return over('This table is closed');
    if (player) say(nameElement(player.name), ' left the table');
    draw();
  });
  heard_of.on('status', ({ phase }) => (byId('phase', 'span').textContent = PHASES[phase] ?? 'connecting…'));
  heard_of.on('renewed', ({ error }) => {
    if (error) over('The table is gone');
  });
  heard_of.on('closed', ({ code }) => {
    if (code !== 'closed') over(code === 'replaced' ? 'You sit in another tab now' : 'The table is out of reach');
  });
}

/** @param {string} title */
function over(title) {
  byId('ended-title', 'h2').textContent = title;
  const dialog = byId('ended', 'dialog');
  if (!dialog.open) dialog.showModal();
}

byId('start-form', 'form').addEventListener('submit', (event) => {
  event.preventDefault();
  void enter(byId('name', 'input').value.trim());
});
byId('ready', 'button').onclick = () => {
  const me = table.places.find(({ seat }) => seat === session?.room?.seat);
  move('ready', !me?.ready);
};
byId('draw', 'button').onclick = byId('stock', 'button').onclick = drawCard;
byId('pass', 'button').onclick = () => move('pass');
byId('again', 'button').onclick = () => location.reload();
byId('share', 'button').onclick = () => {
  const { href } = location;
  navigator.clipboard?.writeText(href).then(() => say('The link is copied: send it to a friend.'), () => say(href));
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target instanceof HTMLInputElement) return;
  if (event.key === 'd') drawCard();
  if (event.key === 'p' && table.hand.drew) move('pass');
});
setInterval(() => {
  const left_ms = table.round && session ? table.round.due_ms - session.clock.serverNow() : 0;
  view.time(Math.min(1, Math.max(0, left_ms / table.turn_ms)));
}, TIME_MS);

if (invited !== null) {
  byId('invitation', 'p').hidden = false;
  byId('invitation', 'p').replaceChildren('You are invited to the table ', make('b', '', invited.toUpperCase()), '.');
}
const stored = storedSession(STORAGE_KEY);
if (stored) void enter(stored.name);
