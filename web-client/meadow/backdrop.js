import { ANIMALS, World } from './world.js';

/**
 * The meadow behind the start card, before anybody is connected: a made-up world that is fed like the real one, so
 * that there is one way to draw. Nobody in it has a name.
 */

const TICK_MS = 50;
const FLOWERS = 60;
const FIELD = { width: 2_400, height: 1_600 };

/** Where the made-up animals stroll about, in field units. */
const MIDDLE = { x: 1_350, y: 215 };

/** Their ids, behind those of the flowers. */
const FIRST_ANIMAL = 1_000;

export class Backdrop {
  world = new World();
  spot = MIDDLE;
  #tick = 0;

  /** @param {number} now_ms */
  constructor(now_ms) {
    const players = ANIMALS.map((animal, index) => ({ seat: index + 1, name: '', me: { animal }, away: false }));
    const flowers = Array.from({ length: FLOWERS }, (_, id) => ({
      id,
      is: 'flower',
      x: 300 + ((id * 379.7) % 1_850),
      y: 120 + ((id * 233.3) % 1_400),
      kind: id % 5,
      open: true,
    }));
    const tick = Math.floor(now_ms / TICK_MS);
    const animals = strolling(now_ms).map((animal, index) => ({ is: 'animal', seat: index + 1, ...animal }));
    const world = { tick, world: [...flowers, ...animals] };
    this.world.enter({ seat: 0, players, state: { ...FIELD, tick_ms: TICK_MS, world } }, now_ms);
    this.#tick = tick;
  }

  /**
   * @param {number} now_ms
   * @param {boolean} calm
   */
  step(now_ms, calm) {
    const tick = Math.floor(now_ms / TICK_MS);
    if (tick === this.#tick || calm) return;
    this.#tick = tick;
    this.world.patch({ tick, world: strolling(now_ms) }, now_ms);
  }
}

/** @param {number} now_ms */
function strolling(now_ms) {
  return ANIMALS.map((_, index) => {
    const angle = index * 1.047 + Math.sin(now_ms / 7_000 + index * 2) * 0.42;
    const far = 1 + Math.sin(now_ms / 5_200 + index * 1.3) * 0.12;
    const id = FIRST_ANIMAL + index;
    return { id, x: MIDDLE.x + Math.cos(angle) * 430 * far, y: MIDDLE.y + 95 + Math.sin(angle) * 240 * far };
  });
}
