import { byId, make, nameElement } from '../meadow/ui/dom.js';
import { SUITS, nameOf, rankOf, suitOf } from './table.js';

/**
 * Draws the table.
 *
 * @typedef {import('./table.js').Table} Table
 * @typedef {import('../sdk/room-view.js').Room} Room
 */

/** How the cards of others are drawn, at most. */
const BACKS_MAX = 7;

/**
 * @param {string} card
 * @param {'button' | 'div'} tag
 */
function cardElement(card, tag) {
  const suit = suitOf(card);
  const { sign } = SUITS[suit];
  const corner = (/** @type {string} */ place) => make('span', `corner ${place}`, make('b', '', rankOf(card)), make('i', '', sign));
  const element = make(tag, 'card', corner('first'), make('span', 'pip', 'JQK'.includes(rankOf(card)) ? rankOf(card) : sign), corner('last'));
  element.dataset.card = card;
  element.dataset.suit = suit;
  if (rankOf(card) === '8') element.classList.add('wild');
  element.setAttribute('aria-label', nameOf(card));
  return element;
}

export class View {
  #hand = byId('hand', 'div');
  #play;
  /** @type {Map<string, HTMLElement>} */
  #cards = new Map();

  /** @param {(card: string) => void} play */
  constructor(play) {
    this.#play = play;
    this.#hand.addEventListener('keydown', (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step === undefined) return;
      const cards = /** @type {HTMLElement[]} */ ([...this.#hand.children]);
      cards[cards.indexOf(/** @type {HTMLElement} */ (document.activeElement)) + step]?.focus();
    });
  }

  /** @param {Table} table @param {Room} room */
  draw(table, room) {
    const { round, hand } = table;
    const own_turn = round?.turn === room.seat;
    document.body.dataset.turn = own_turn ? 'own' : '';
    byId('code', 'b').textContent = room.code;
    byId('players', 'ul').replaceChildren(
      ...table.places.filter(({ seat }) => seat !== room.seat).map((place) => this.#place(place, table, room)),
    );
    byId('resting', 'div').hidden = round !== null;
    const top = byId('top', 'div');
    if (round === null) top.replaceChildren();
    else if (top.firstElementChild?.getAttribute('data-card') !== round.top) top.replaceChildren(cardElement(round.top, 'div'));
    const suit = byId('suit', 'p');
    suit.hidden = round === null;
    if (round) {
      suit.dataset.suit = round.suit;
      suit.replaceChildren(make('b', '', SUITS[round.suit].sign), ` ${SUITS[round.suit].name} to follow`);
    }
    const stock = byId('stock', 'button');
    stock.hidden = round === null;
    stock.textContent = String(round?.stock ?? 0);
    stock.setAttribute('aria-label', `Draw; ${round?.stock ?? 0} cards in the stock`);
    this.#drawHand(table, own_turn);
    const me = table.places.find(({ seat }) => seat === room.seat);
    const ready = byId('ready', 'button');
    ready.hidden = round !== null;
    ready.textContent = me?.ready ? 'Not yet, after all' : 'Ready to play';
    ready.setAttribute('aria-pressed', String(me?.ready === true));
    const can_draw = own_turn && !hand.drew;
    byId('draw', 'button').hidden = !can_draw;
    stock.setAttribute('aria-disabled', String(!can_draw));
    byId('pass', 'button').hidden = !(own_turn && hand.drew);
    this.#say(table, room, me);
  }

  /** @param {number} share of the turn's time that is left */
  time(share) {
    byId('time', 'i').style.transform = `scaleX(${share})`;
  }

  /** @param {Table} table @param {boolean} own_turn */
  #drawHand(table, own_turn) {
    const cards = new Map();
    for (const card of table.hand.cards) {
      let element = this.#cards.get(card);
      if (!element) {
        element = cardElement(card, 'button');
        element.addEventListener('click', () => this.#play(card));
      }
      element.setAttribute('aria-disabled', String(!(own_turn && table.fits(card))));
      cards.set(card, element);
    }
    const wanted = [...cards.values()];
    // What stays where it is keeps the focus.
    for (const old of [...this.#hand.children]) if (!wanted.includes(old)) old.remove();
    wanted.forEach((element, at) => {
      if (this.#hand.children[at] !== element) this.#hand.insertBefore(element, this.#hand.children[at] ?? null);
    });
    this.#cards = cards;
  }

  /** @param {import('./table.js').Place} place @param {Table} table @param {Room} room */
  #place({ seat, cards, score, ready }, table, room) {
    const player = room.players.get(seat);
    const backs = make('span', 'backs', ...Array.from({ length: Math.min(BACKS_MAX, cards ?? 0) }, () => make('i', '')));
    backs.setAttribute('aria-hidden', 'true');
    const words = cards !== null ? `${cards} card${cards === 1 ? '' : 's'}` : ready ? 'ready' : table.round ? 'next round' : 'not ready';
    const item = make('li', 'player', nameElement(player?.name ?? '?'), backs, make('span', 'facts', `${words} · ${score} points`));
    if (table.round?.turn === seat) item.classList.add('turn-now');
    if (player?.away) item.classList.add('away');
    return item;
  }

  /** @param {Table} table @param {Room} room @param {import('./table.js').Place | undefined} me */
  #say({ round, hand }, room, me) {
    const turn = byId('turn', 'p');
    const points = ` · you have ${me?.score ?? 0} points`;
    if (!round) {
      const waiting = room.players.size < 2 ? 'Invite somebody: two are needed' : me?.ready ? 'Waiting for the others' : 'Ready when you are';
      turn.replaceChildren(waiting + points);
    } else if (round.turn === room.seat) {
      turn.replaceChildren((hand.drew ? 'Your turn: play a card, or pass' : 'Your turn: play a card, or draw') + points);
    } else {
      turn.replaceChildren(nameElement(room.players.get(round.turn)?.name ?? '?'), ' is thinking', points);
    }
  }
}
