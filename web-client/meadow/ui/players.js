import { roster } from '../roster.js';
import { byId, make, nameElement } from './dom.js';
import { animalPicture } from './start.js';

/** Who is here, and how full the baskets are. */

const ROWS_MAX = 60;

export class PlayerList {
  #count = byId('players-count', 'span');
  #list = byId('players-list', 'ul');
  #shown = '';
  /** @type {Map<number, HTMLLIElement>} */
  #rows = new Map();

  constructor() {
    if (matchMedia('(max-width: 700px)').matches) byId('players', 'details').open = false;
  }

  /** @param {import('../world.js').World} world */
  show({ animals, own_seat }) {
    const { present, rows: listed } = roster(animals.values(), own_seat, ROWS_MAX);
    // It is asked often and seldom changes; touching the page only then keeps a screen reader and the layout at peace.
    const shown = JSON.stringify([present, own_seat, listed.map(({ seat, name, kind, basket, away }) => [seat, name, kind, basket, away])]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#count.textContent = String(present);
    const rows = listed.map((animal) => this.#row(animal, animal.seat === own_seat));
    this.#list.replaceChildren(...rows);
    for (const seat of this.#rows.keys()) if (!animals.has(seat)) this.#rows.delete(seat);
  }

  /**
   * @param {import('../world.js').Animal} animal
   * @param {boolean} own
   */
  #row({ seat, name, kind, basket, away }, own) {
    const key = `${name}/${kind}`;
    let row = this.#rows.get(seat);
    if (row?.dataset.key !== key) {
      row = make('li', '', animalPicture(kind, 30, 30), nameElement(name), make('span', 'basket'));
      row.dataset.key = key;
      this.#rows.set(seat, row);
    }
    row.dataset.seat = String(seat);
    row.dataset.own = String(own);
    row.dataset.away = String(away);
    const count = row.lastElementChild;
    if (count) {
      count.textContent = String(basket);
      count.setAttribute('aria-label', `${basket} flowers`);
    }
    row.title = away ? 'away' : '';
    return row;
  }
}
