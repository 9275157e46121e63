/** The colours of the meadow: a warm morning, nothing fully saturated, outlines in a dark warm brown. */
export const PALETTE = /** @type {const} */ ({
  ink: '#43392f',
  outline: 'rgba(67, 52, 38, 0.82)',
  shadow: 'rgba(40, 66, 38, 0.24)',
  leaf: '#4f8f4b',
  grass: '#9bcb6c',
  forest: '#5b9550',
  path: '#e6d3a0',
  path_edge: '#d3bd84',
  water: '#86cbdc',
  water_deep: '#5fb0ca',
  bank: '#d9c68f',
  bark: '#8a6648',
  birch: '#f1ece0',
  blush: 'rgba(240, 120, 110, 0.38)',
});

/** Petals, their shade, and the heart, by the server's `kind`. */
export const FLOWER_COLOURS = /** @type {const} */ ([
  { name: 'daisy', petal: '#fffdf6', shade: '#e5e3d3', heart: '#f5b93c' },
  { name: 'poppy', petal: '#ea5f4e', shade: '#c9463a', heart: '#4a3136' },
  { name: 'cornflower', petal: '#7189e6', shade: '#4f66c8', heart: '#3f4ba0' },
  { name: 'tulip', petal: '#f09ac0', shade: '#d9709f', heart: '#f8c9dc' },
  { name: 'buttercup', petal: '#fbd24b', shade: '#e5ae2b', heart: '#d98f1f' },
]);
