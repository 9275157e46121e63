import { EMOTES } from '../world.js';
import { drawEmote } from '../view/emotes.js';
import { drawFlowerHead } from '../view/flowers.js';
import { byId, make, picture } from './dom.js';

/** The row of buttons: pick a flower, show a feeling. */

const LABELS = /** @type {Record<import('../world.js').Emote, string>} */ ({
  wave: 'Wave',
  heart: 'Heart',
  laugh: 'Laugh',
  sleep: 'Sleep',
  dance: 'Dance',
});

export class Actions {
  #pick;

  /**
   * @param {() => void} onPick
   * @param {(emote: import('../world.js').Emote) => void} onEmote
   */
  constructor(onPick, onEmote) {
    this.#pick = actionButton('Pick a flower', 'E', (context) => drawFlowerHead(context, 1), 1.35);
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
    this.canPick(false);
  }

  /** @param {boolean} can */
  canPick(can) {
    // Not `disabled`: a button that loses the focus whenever a flower is out of reach is no use to a keyboard.
    const value = String(!can);
    if (this.#pick.getAttribute('aria-disabled') !== value) this.#pick.setAttribute('aria-disabled', value);
  }
}

/**
 * @param {string} label
 * @param {string} key
 * @param {(context: CanvasRenderingContext2D) => void} draw
 * @param {number} scale
 */
function actionButton(label, key, draw, scale) {
  const image = picture(36, 36, (context) => {
    context.translate(18, 18);
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
