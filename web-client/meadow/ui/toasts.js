import { byId, make, nameElement } from './dom.js';

/** Short notes that go by themselves. */

const TOAST_MS = 3_600;
const TOASTS_MAX = 3;

export class Toasts {
  #place = byId('toasts', 'div');

  /** @param {string} text */
  say(text) {
    this.#show(make('p', 'toast', text));
  }

  /**
   * @param {string} name
   * @param {string} what
   */
  about(name, what) {
    this.#show(make('p', 'toast', nameElement(name), ` ${what}`));
  }

  /** @param {HTMLElement} toast */
  #show(toast) {
    toast.style.margin = '0';
    this.#place.append(toast);
    while (this.#place.childElementCount > TOASTS_MAX) this.#place.firstElementChild?.remove();
    setTimeout(() => toast.remove(), TOAST_MS);
  }
}
