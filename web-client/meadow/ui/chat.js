import { byId, make, nameElement } from './dom.js';

/** What was said, and what happened: a log and the line to write. */

/** Older lines leave the page; nobody scrolls back through a thousand. */
const LINES_MAX = 120;

/** The server's bound for one chat line, in characters. */
const CHARS_MAX = 500;

export class Chat {
  #log = byId('chat-log', 'ol');
  #text = byId('chat-text', 'input');
  /** @type {{name: string, text: string}[]} */
  #said = [];

  /**
   * @param {(text: string) => void} onSay
   * @param {() => void} onLeave the player is done with writing
   */
  constructor(onSay, onLeave) {
    byId('chat-form', 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      const text = Array.from(this.#text.value.trim()).slice(0, CHARS_MAX).join('');
      this.#text.value = '';
      if (text === '') onLeave();
      else onSay(text);
    });
    this.#text.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') onLeave();
    });
  }

  focus() {
    this.#text.focus();
  }

  /**
   * A line that could not be said, for another try; what is being written meanwhile goes first.
   *
   * @param {string} text
   */
  giveBack(text) {
    if (this.#text.value.trim() === '') this.#text.value = text;
  }

  /** @returns {readonly {name: string, text: string}[]} */
  get said() {
    return this.#said;
  }

  /**
   * @param {string} name
   * @param {string} text
   * @param {boolean} own
   */
  add(name, text, own) {
    this.#said.push({ name, text });
    if (this.#said.length > LINES_MAX) this.#said.shift();
    const words = make('span', 'words', text);
    words.dir = 'auto';
    const line = make('li', '', nameElement(name), words);
    line.dataset.own = String(own);
    this.#append(line);
  }

  /**
   * @param {string} name
   * @param {string} what
   */
  news(name, what) {
    const line = make('li', '', make('bdi', '', name), ` ${what}`);
    line.dataset.kind = 'news';
    this.#append(line);
  }

  clear() {
    this.#said = [];
    this.#log.replaceChildren();
  }

  /** @param {HTMLLIElement} line */
  #append(line) {
    const at_end = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < 40;
    this.#log.append(line);
    while (this.#log.childElementCount > LINES_MAX) this.#log.firstElementChild?.remove();
    if (at_end) this.#log.scrollTop = this.#log.scrollHeight;
  }
}
