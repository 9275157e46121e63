import { byId } from './dom.js';

/** The connection in one dot and two words. */

const FAIR_RTT_MS = 150;

/** @type {Record<import('../../sdk/machine.js').Phase, string>} */
const WORDS = {
  idle: 'connecting…',
  making: 'connecting…',
  opening: 'reconnecting…',
  online: 'connected',
  waiting: 'reconnecting…',
  suspended: 'asleep',
  closed: 'disconnected',
};

export class Badge {
  #badge = byId('badge', 'p');
  #text = byId('badge-text', 'span');

  /**
   * @param {import('../../sdk/machine.js').Phase} phase
   * @param {number | null} rtt_ms null while it is not known well enough to be told
   */
  show(phase, rtt_ms) {
    const online = phase === 'online';
    const quality = !online ? (phase === 'closed' ? 'poor' : 'fair') : rtt_ms !== null && rtt_ms > FAIR_RTT_MS ? 'fair' : 'good';
    const figure = rtt_ms === null ? '…' : `${Math.max(1, Math.round(rtt_ms))} ms`;
    const text = online ? figure : WORDS[phase];
    if (this.#badge.dataset.quality !== quality) this.#badge.dataset.quality = quality;
    if (this.#text.textContent !== text) this.#text.textContent = text;
    this.#badge.title = `Connection: ${WORDS[phase]}`;
  }
}
