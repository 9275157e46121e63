/**
 * The order in which the animals of a meadow are listed. Pure.
 *
 * @typedef {import('./world.js').Animal} Animal
 */

/**
 * @param {Iterable<Animal>} animals
 * @param {number | null} own_seat
 * @param {number} rows_max a list longer than this is no longer read; the count says the rest
 * @returns {{present: number, rows: Animal[]}} oneself first, then who is here, by the basket, then who is away
 */
export function roster(animals, own_seat, rows_max) {
  const all = [...animals];
  const rank = (/** @type {Animal} */ { seat, away }) => (seat === own_seat ? 0 : away ? 2 : 1);
  all.sort((a, b) => rank(a) - rank(b) || b.basket - a.basket || a.seat - b.seat);
  return { present: all.filter(({ away }) => !away).length, rows: all.slice(0, rows_max) };
}
