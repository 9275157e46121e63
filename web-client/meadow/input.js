/**
 * Keys, mouse and fingers, as one intent: a direction, or a spot to go to.
 *
 * @typedef {object} InputHooks
 * @property {(spot: {x: number, y: number}) => void} tapped in CSS pixels of the field
 * @property {() => void} pick
 * @property {() => void} drop what was taken last
 * @property {() => void} write
 * @property {(index: number) => void} emote from 0
 */

/** @type {Record<string, {x: number, y: number}>} */
const DIRECTIONS = {
  KeyW: { x: 0, y: -1 },
  KeyA: { x: -1, y: 0 },
  KeyS: { x: 0, y: 1 },
  KeyD: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowLeft: { x: -1, y: 0 },
  ArrowDown: { x: 0, y: 1 },
  ArrowRight: { x: 1, y: 0 },
};

/** Let go sooner than this, it was a tap: go there. Held longer: follow the pointer until it is let go. */
const TAP_MS = 280;

export class Input {
  #hooks;
  /** @type {Set<string>} */
  #held = new Set();
  /** @type {{id: number, x: number, y: number, since_ms: number} | null} */
  #pointer = null;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {InputHooks} hooks
   */
  constructor(canvas, hooks) {
    this.#hooks = hooks;
    window.addEventListener('keydown', (event) => this.#keyDown(event));
    window.addEventListener('keyup', (event) => this.#held.delete(event.code));
    window.addEventListener('blur', () => this.#letGo());
    canvas.addEventListener('pointerdown', (event) => this.#pointerDown(canvas, event));
    canvas.addEventListener('pointermove', (event) => this.#pointerMove(event));
    canvas.addEventListener('pointerup', (event) => this.#pointerUp(event));
    canvas.addEventListener('pointercancel', () => (this.#pointer = null));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  /** @returns {{x: number, y: number} | null} where the keys point */
  get direction() {
    let x = 0;
    let y = 0;
    for (const code of this.#held) {
      x += DIRECTIONS[code]?.x ?? 0;
      y += DIRECTIONS[code]?.y ?? 0;
    }
    return x === 0 && y === 0 ? null : { x: Math.sign(x), y: Math.sign(y) };
  }

  /** @returns {{x: number, y: number} | null} where the pointer is held, in CSS pixels */
  get held() {
    return this.#pointer;
  }

  #letGo() {
    this.#held.clear();
    this.#pointer = null;
  }

  /** @param {KeyboardEvent} event */
  #keyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const { target } = event;
    if (target instanceof HTMLInputElement || document.body.dataset.stage === 'start') return;
    if (DIRECTIONS[event.code]) {
      this.#held.add(event.code);
      event.preventDefault();
      return;
    }
    if (event.repeat) return;
    // Enter and the space bar belong to a button or a list that has the focus.
    const busy = target instanceof HTMLElement && target.closest('button, summary, dialog') !== null;
    const digit = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
    if (event.code === 'KeyE' || (event.code === 'Space' && !busy)) this.#hooks.pick();
    else if (event.code === 'KeyQ') this.#hooks.drop();
    else if ((event.key === 'Enter' && !busy) || event.key === 't') this.#hooks.write();
    else if (digit) this.#hooks.emote(Number(digit[1]) - 1);
    else return;
    event.preventDefault();
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {PointerEvent} event
   */
  #pointerDown(canvas, event) {
    if (event.button !== 0 || this.#pointer) return;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    this.#pointer = { id: event.pointerId, x: event.clientX, y: event.clientY, since_ms: event.timeStamp };
  }

  /** @param {PointerEvent} event */
  #pointerMove(event) {
    if (this.#pointer?.id !== event.pointerId) return;
    this.#pointer.x = event.clientX;
    this.#pointer.y = event.clientY;
  }

  /** @param {PointerEvent} event */
  #pointerUp(event) {
    const pointer = this.#pointer;
    if (pointer?.id !== event.pointerId) return;
    this.#pointer = null;
    if (event.timeStamp - pointer.since_ms < TAP_MS) this.#hooks.tapped({ x: event.clientX, y: event.clientY });
  }
}
