import { drawThing } from '../view/things.js';
import { byId, make, picture } from './dom.js';

/** What one carries, in slots; each is a button that drops what is in it. */

export class Bag {
  #bag = byId('bag', 'div');
  #onDrop;
  #shown = '';

  /** @param {(thing: number) => void} onDrop */
  constructor(onDrop) {
    this.#onDrop = onDrop;
  }

  /** @param {import('../world.js').World} world */
  show({ bag, bag_max }) {
    // It is asked in each frame and seldom changes.
    const shown = `${bag_max} ${bag.map(({ id, kind }) => `${id} ${kind}`).join()}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    const focused = [...this.#bag.children].indexOf(/** @type {Element} */ (document.activeElement));
    const slots = bag.map((carried, index) => this.#slot(carried, index === bag.length - 1));
    const empty = Array.from({ length: Math.max(0, bag_max - bag.length) }, () => make('span', 'slot'));
    this.#bag.replaceChildren(...slots, ...empty);
    this.#bag.dataset.empty = String(bag.length === 0);
    this.#bag.setAttribute('aria-label', `Your bag: ${bag.length} of ${bag_max}`);
    // Who drops one thing after the other by the keyboard stays where he is.
    if (focused >= 0) slots[Math.min(focused, slots.length - 1)]?.focus();
  }

  /**
   * @param {import('../world.js').Carried} carried
   * @param {boolean} is_last
   */
  #slot({ id, kind }, is_last) {
    const image = picture(30, 30, (context) => {
      context.translate(15, 15);
      drawThing(context, kind);
    });
    const slot = make('button', 'slot', image);
    slot.type = 'button';
    slot.dataset.kind = kind;
    slot.title = is_last ? `Drop the ${kind} (Q)` : `Drop the ${kind}`;
    slot.setAttribute('aria-label', `Drop the ${kind}`);
    if (is_last) slot.setAttribute('aria-keyshortcuts', 'Q');
    slot.addEventListener('click', () => this.#onDrop(id));
    return slot;
  }
}
