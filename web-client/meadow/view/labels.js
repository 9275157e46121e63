import { BUBBLE_MS, EMOTE_MS } from '../world.js';
import { fitText, textDirection, wrapText } from '../text.js';
import { TIP, balloonRadius, placeBalloon } from './balloon.js';
import { drawEmote } from './emotes.js';
import { PALETTE } from './palette.js';
import { outline } from './shapes.js';

/**
 * Names, bubbles and feelings above the animals. Drawn in CSS pixels, so that letters keep their size whatever the
 * zoom is.
 *
 * @typedef {CanvasRenderingContext2D} Context
 * @typedef {import('./balloon.js').Area} Area
 */

const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", sans-serif';
const NAME_FONT = `600 13px ${FONT}`;
const BUBBLE_FONT = `500 14px ${FONT}`;
const NAME_WIDTH_MAX = 150;
const BUBBLE_WIDTH_MAX = 210;
const BUBBLE_LINES_MAX = 4;
const LINE_HEIGHT = 19;

/** Breaking a bubble into lines is slow, and it is the same in every frame. */
const LAYOUTS_MAX = 200;

/** @type {Map<string, {lines: string[], width: number}>} */
const layouts = new Map();

/**
 * @param {Context} context
 * @param {string} name
 * @param {number} x
 * @param {number} y the pill's middle
 * @param {{own: boolean, away: boolean}} look
 */
export function drawName(context, name, x, y, { own, away }) {
  if (name === '') return;
  context.font = NAME_FONT;
  const { lines, width } = layout(context, `name ${name}`, () => [
    fitText(name, NAME_WIDTH_MAX, (text) => context.measureText(text).width),
  ]);
  const half = width / 2 + 8;
  context.globalAlpha = away ? 0.55 : 1;
  context.beginPath();
  context.roundRect(x - half, y - 10, half * 2, 20, 10);
  context.fillStyle = own ? 'rgba(228, 105, 79, 0.94)' : 'rgba(255, 250, 240, 0.86)';
  context.fill();
  writeLine(context, lines[0] ?? '', x, y + 0.5, own ? '#fff' : PALETTE.ink);
  context.globalAlpha = 1;
}

/**
 * What an animal says and feels, one above the other.
 *
 * @param {Context} context
 * @param {import('../world.js').Animal} animal
 * @param {{x: number, y: number}} head
 * @param {Area} area
 * @param {number} now_ms
 */
export function drawThoughts(context, { bubble, emote }, head, area, now_ms) {
  let top = head.y;
  if (bubble && now_ms - bubble.since_ms < BUBBLE_MS) top = drawBubble(context, bubble, head.x, top, area, now_ms);
  if (emote && now_ms - emote.since_ms < EMOTE_MS) drawFeeling(context, emote, head.x, top, area, now_ms);
}

/**
 * @param {Context} context
 * @param {{text: string, since_ms: number}} bubble
 * @param {number} x
 * @param {number} y the tip
 * @param {Area} area
 * @param {number} now_ms
 * @returns {number} its upper edge, where what comes above begins
 */
function drawBubble(context, bubble, x, y, area, now_ms) {
  const age_ms = now_ms - bubble.since_ms;
  context.font = BUBBLE_FONT;
  const { lines, width } = layout(context, `bubble ${bubble.text}`, () =>
    wrapText(bubble.text, BUBBLE_WIDTH_MAX, BUBBLE_LINES_MAX, (text) => context.measureText(text).width),
  );
  const half = Math.max(20, width / 2 + 13);
  const height = lines.length * LINE_HEIGHT + 14;
  const place = placeBalloon({ x, y }, half, height, area);
  const pop = Math.min(1, age_ms / 140);
  context.save();
  context.translate(place.x, place.y);
  context.scale(0.7 + pop * 0.3, 0.7 + pop * 0.3);
  context.globalAlpha = Math.min(pop, Math.max(0, (BUBBLE_MS - age_ms) / 500));
  drawBalloon(context, half, height, place.tip);
  for (const [index, line] of lines.entries()) {
    writeLine(context, line, 0, -height - TIP + 7 + LINE_HEIGHT * (index + 0.5), PALETTE.ink, textDirection(bubble.text));
  }
  context.restore();
  return place.y - height - TIP;
}

/**
 * @param {Context} context
 * @param {{emote: import('../world.js').Emote, since_ms: number}} feeling
 * @param {number} x
 * @param {number} y the tip
 * @param {Area} area
 * @param {number} now_ms
 */
function drawFeeling(context, feeling, x, y, area, now_ms) {
  const age_ms = now_ms - feeling.since_ms;
  const pop = Math.min(1, age_ms / 160);
  const bounce = 1 + Math.sin(Math.min(1, age_ms / 320) * Math.PI) * 0.22;
  const place = placeBalloon({ x, y }, 21, 38, area);
  context.save();
  context.translate(place.x, place.y);
  context.scale(pop * bounce, pop * bounce);
  context.globalAlpha = Math.min(1, Math.max(0, (EMOTE_MS - age_ms) / 300));
  drawBalloon(context, 21, 38, place.tip);
  context.translate(0, -28);
  context.rotate(Math.sin(age_ms / 130) * 0.14);
  drawEmote(context, feeling.emote);
  context.restore();
}

/**
 * A cream balloon above the origin.
 *
 * @param {Context} context
 * @param {number} half
 * @param {number} height
 * @param {number} tip how far to the right of the origin it points
 */
function drawBalloon(context, half, height, tip) {
  const radius = balloonRadius(height);
  const bottom = -TIP;
  const top = bottom - height;
  context.beginPath();
  context.moveTo(-half + radius, top);
  context.arcTo(half, top, half, bottom, radius);
  context.arcTo(half, bottom, -half, bottom, radius);
  context.lineTo(tip + 7, bottom);
  context.quadraticCurveTo(tip + 3, -4, tip, 0);
  context.quadraticCurveTo(tip - 2, -5, tip - 6, bottom);
  context.arcTo(-half, bottom, -half, top, radius);
  context.arcTo(-half, top, half, top, radius);
  context.closePath();
  context.fillStyle = 'rgba(255, 251, 243, 0.97)';
  context.fill();
  outline(context, 1.4);
}

/**
 * @param {Context} context
 * @param {string} line
 * @param {number} x
 * @param {number} y
 * @param {string} colour
 * @param {'ltr' | 'rtl'} [direction]
 */
function writeLine(context, line, x, y, colour, direction = textDirection(line)) {
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.direction = direction;
  context.fillStyle = colour;
  context.fillText(line, x, y);
}

/**
 * @param {Context} context with the font set
 * @param {string} key
 * @param {() => string[]} breakLines
 */
function layout(context, key, breakLines) {
  const known = layouts.get(key);
  if (known) return known;
  const lines = breakLines();
  const made = { lines, width: Math.max(0, ...lines.map((line) => context.measureText(line).width)) };
  if (layouts.size >= LAYOUTS_MAX) layouts.clear();
  layouts.set(key, made);
  return made;
}
