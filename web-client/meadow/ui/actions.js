import { EMOTES } from '../world.js';
import { drawEmote } from '../view/emotes.js';
import { drawFlowerHead } from '../view/flowers.js';
import { drawThing } from '../view/things.js';
import { byId, drawInto, make, picture } from './dom.js';

/** The row of buttons: pick a flower or take a thing, show a feeling. */

const SIZE = 36;

const LABELS = /** @type {Record<import('../world.js').Emote, string>} */ ({
  wave: 'Wave',
  heart: 'Heart',
  laugh: 'Laugh',
  sleep: 'Sleep',
  dance: 'Dance',
});

export class Actions {
  #pick;
  #shown = '';

  /**
   * @param {() => void} onPick
   * @param {(emote: import('../world.js').Emote) => void} onEmote
   */
  constructor(onPick, onEmote) {
    this.#pick = actionButton('Pick', 'E', (context) => drawFlowerHead(context, 1), 1.35);
    this.#pick.classList.add('pick');
    this.#pick.id = 'pick';
    this.#pick.addEventListener('click', onPick);
    const bar = byId('actions', 'div');
    bar.append(this.#pick);
    for (const [index, emote] of EMOTES.entries()) {
      const button = actionButton(LABELS[emote], String(index + 1), (context) => drawEmote(context, emote), 1.2);
      button.dataset.emote = emote;
      button.addEventListener('click', () => onEmote(emote));
      bar.append(button);
    }
    this.canPick(null);
  }

  /** @param {import('../world.js').Near | null} near what the first button would pick or take */
  canPick(near) {
    const shown = near ? `${near.what} ${near.kind}` : '';
    if (shown === this.#shown && this.#pick.hasAttribute('aria-disabled')) return;
    this.#shown = shown;
    // Not `disabled`: a button that loses the focus whenever a flower is out of reach is no use to a keyboard.
    this.#pick.setAttribute('aria-disabled', String(!near));
    const label = near?.what === 'thing' ? `Take the ${near.kind}` : 'Pick a flower';
    this.#pick.title = `${label} (E)`;
    this.#pick.setAttribute('aria-label', label);
    const image = this.#pick.querySelector('canvas');
    if (!image || !near) return;
    drawInto(image, SIZE, SIZE, (context) => {
      context.translate(SIZE / 2, SIZE / 2);
      context.scale(1.25, 1.25);
      if (near.what === 'thing') drawThing(context, near.kind);
      else drawFlowerHead(context, near.kind);
    });
  }
}

/**
 * @param {string} label
 * @param {string} key
 * @param {(context: CanvasRenderingContext2D) => void} draw
 * @param {number} scale
 */
function actionButton(label, key, draw, scale) {
  const image = picture(SIZE, SIZE, (context) => {
    context.translate(SIZE / 2, SIZE / 2);
    context.scale(scale, scale);
    draw(context);
  });
  const button = make('button', '', image);
  button.type = 'button';
  button.title = `${label} (${key})`;
  button.setAttribute('aria-label', label);
  button.setAttribute('aria-keyshortcuts', key);
  return button;
}
