/**
 * Text of any script, for a canvas that knows nothing about it.
 */

const STRONG = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}\p{Script=Adlam}]|(\p{L})/u;

const words = segmenter('word');
const graphemes = segmenter('grapheme');

/**
 * The direction of the first letter that has one, as `dir="auto"` decides it.
 *
 * @param {string} text
 * @returns {'ltr' | 'rtl'}
 */
export function textDirection(text) {
  const strong = STRONG.exec(text);
  return strong && strong[1] === undefined ? 'rtl' : 'ltr';
}

/**
 * @param {string} text
 * @param {number} width_max
 * @param {(text: string) => number} measure
 * @returns {string} the text, or as much of it as fits with an ellipsis; never cut within a grapheme
 */
export function fitText(text, width_max, measure) {
  if (measure(text) <= width_max) return text;
  let fitting = '';
  for (const grapheme of graphemes(text)) {
    if (measure(`${fitting}${grapheme}…`) > width_max) break;
    fitting += grapheme;
  }
  return `${fitting.trimEnd()}…`;
}

/**
 * Breaks between words, in scripts without spaces too, and within a word only where it is longer than a line.
 *
 * @param {string} text
 * @param {number} width_max
 * @param {number} lines_max
 * @param {(text: string) => number} measure
 * @returns {string[]}
 */
export function wrapText(text, width_max, lines_max, measure) {
  /** @type {string[]} */
  const lines = [];
  let line = '';
  for (const piece of pieces(text, width_max, measure)) {
    if (line !== '' && measure((line + piece).trimEnd()) > width_max) {
      lines.push(line.trim());
      line = '';
    }
    line += line === '' ? piece.trimStart() : piece;
  }
  if (line.trim() !== '') lines.push(line.trim());
  if (lines.length <= lines_max) return lines;
  const kept = lines.slice(0, lines_max);
  const last = /** @type {string} */ (kept.pop());
  return [...kept, fitText(`${last}…`, width_max, measure)];
}

/**
 * @param {string} text
 * @param {number} width_max
 * @param {(text: string) => number} measure
 */
function* pieces(text, width_max, measure) {
  for (const word of words(text)) {
    if (measure(word) <= width_max) yield word;
    else yield* graphemes(word);
  }
}

/**
 * @param {'word' | 'grapheme'} granularity
 * @returns {(text: string) => string[]}
 */
function segmenter(granularity) {
  // Firefox learned Intl.Segmenter in 2024; before that, code points do.
  if (typeof Intl.Segmenter !== 'function') {
    return (text) => (granularity === 'word' ? text.split(/(?<=\s)/u) : Array.from(text));
  }
  const segments = new Intl.Segmenter(undefined, { granularity });
  return (text) => Array.from(segments.segment(text), ({ segment }) => segment);
}
