/**
 * Elements of the page. Text from players only ever goes in as text, never as HTML.
 */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {string} id
 * @param {Tag} tag which kind of element the page has there
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function byId(id, tag) {
  const element = document.getElementById(id);
  if (!element || element.localName !== tag) throw new Error(`the page has no ${tag} #${id}`);
  return /** @type {HTMLElementTagNameMap[Tag]} */ (element);
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} class_name
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, class_name, ...children) {
  const element = document.createElement(tag);
  if (class_name !== '') element.className = class_name;
  element.append(...children);
  return element;
}

/**
 * A player's name, kept apart from the sentence around it: a right-to-left name must not turn the sentence.
 *
 * @param {string} name
 */
export function nameElement(name) {
  const element = make('bdi', 'who', name);
  element.dir = 'auto';
  return element;
}

/**
 * A small picture, sharp on every screen.
 *
 * @param {number} width CSS pixels
 * @param {number} height
 * @param {(context: CanvasRenderingContext2D) => void} draw with the origin at the upper left
 */
export function picture(width, height, draw) {
  const canvas = make('canvas', '');
  drawInto(canvas, width, height, draw);
  canvas.setAttribute('aria-hidden', 'true');
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {number} width
 * @param {number} height
 * @param {(context: CanvasRenderingContext2D) => void} draw
 */
export function drawInto(canvas, width, height, draw) {
  const ratio = Math.max(2, globalThis.devicePixelRatio || 1);
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.scale(ratio, ratio);
  draw(context);
}
