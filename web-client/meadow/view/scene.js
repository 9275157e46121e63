import { EMOTE_MS } from '../world.js';
import { Petals, drawButterflies, drawCloudShadows, wind } from './ambient.js';
import { HEIGHTS, drawAnimal } from './animals.js';
import { drawFlower } from './flowers.js';
import { Gait } from './gait.js';
import { Ground } from './ground.js';
import { drawName, drawThoughts } from './labels.js';
import { drawGlints, drawNear, drawTarget, drawTuft } from './marks.js';
import { MARGIN, isInWater, makeScenery } from './scenery.js';
import { chance } from './shapes.js';
import { Sprites } from './sprites.js';
import { drawBag, drawLying } from './things.js';

/**
 * One frame of the meadow, from back to front: ground, water, what stands on the field sorted by its foot, the air,
 * the names.
 *
 * @typedef {object} Frame
 * @property {import('../world.js').World} world
 * @property {import('../walker.js').Walker | null} walker
 * @property {{x: number, y: number} | null} target where the own animal is going
 * @property {import('../world.js').Near | null} near what can be picked or taken
 * @property {number} now_ms
 * @property {number} elapsed_s
 * @property {boolean} calm less motion was asked for
 *
 * @typedef {{y: number, draw: () => void}} Standing
 */

/** Above this, more pixels cost time and are not seen. */
const PIXEL_RATIO_MAX = 2;

const ANIMAL_SCALE = 1.12;

/** What was dropped in one place is drawn this far around it, or nobody could see how many they are. */
const HEAP = 11;

/** The field behind the start card. */
const BEHIND_START = { width: 2_400, height: 1_600 };

/** How far above its foot something may reach into the view from below. */
const TALL = 230;

export class Scene {
  #canvas;
  #context;
  #camera;
  #sprites = new Sprites();
  #gait = new Gait();
  #petals = new Petals();
  #ratio = 1;
  #scenery = makeScenery(BEHIND_START.width, BEHIND_START.height);
  #ground = new Ground(this.#scenery, BEHIND_START);
  #field = `${BEHIND_START.width}x${BEHIND_START.height}`;

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {import('../camera.js').Camera} camera
   */
  constructor(canvas, camera) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { alpha: false }));
    this.#camera = camera;
  }

  get margin() {
    return MARGIN;
  }

  /** Fits the canvas to its place on the page. */
  resize() {
    const { clientWidth, clientHeight } = this.#canvas;
    this.#ratio = Math.min(PIXEL_RATIO_MAX, globalThis.devicePixelRatio || 1);
    this.#canvas.width = Math.max(1, Math.round(clientWidth * this.#ratio));
    this.#canvas.height = Math.max(1, Math.round(clientHeight * this.#ratio));
    this.#camera.resize(clientWidth, clientHeight);
  }

  /**
   * @param {import('../world.js').Picked} picked
   * @param {number} now_ms
   */
  burst({ x, y, kind }, now_ms) {
    this.#petals.burst(x, y, kind, now_ms);
  }

  /** @param {Frame} frame */
  draw(frame) {
    this.#fitField(frame.world);
    const context = this.#context;
    const { view, zoom } = this.#camera;
    const scale = zoom * this.#ratio;
    context.setTransform(scale, 0, 0, scale, -view.left * scale, -view.top * scale);
    this.#ground.draw(context, view, scale);
    if (!frame.calm) for (const pond of this.#scenery.ponds) if (isSeen(view, pond.x, pond.y, pond.rx)) drawGlints(context, pond, frame.now_ms);
    if (frame.target) drawTarget(context, frame.target, frame.now_ms);
    if (frame.near) drawNear(context, frame.near.what === 'thing' ? heaped(frame.near) : frame.near, frame.now_ms);
    const standing = [
      ...this.#flowers(frame, view), ...this.#lying(frame, view), ...this.#tufts(frame, view), ...this.#standing(frame, view, scale), ...this.#animals(frame, view),
    ];
    standing.sort((a, b) => a.y - b.y);
    for (const { draw } of standing) draw();
    this.#petals.draw(context, frame.now_ms);
    if (!frame.calm) {
      drawCloudShadows(context, view, frame.now_ms);
      drawButterflies(context, view, frame.now_ms);
    }
    context.setTransform(this.#ratio, 0, 0, this.#ratio, 0, 0);
    this.#drawLight();
    this.#drawLabels(frame);
  }

  /** @param {import('../world.js').World} world */
  #fitField(world) {
    const { width, height } = world;
    this.#gait.forget((seat) => world.spotOf(seat) !== null);
    const field = `${width}x${height}`;
    if (field === this.#field) return;
    this.#field = field;
    this.#scenery = makeScenery(width, height);
    this.#ground = new Ground(this.#scenery, { width, height });
  }

  /**
   * @param {Frame} frame
   * @param {number} seat
   * @returns {{x: number, y: number} | null}
   */
  #spot({ world, walker, now_ms }, seat) {
    if (walker && seat === world.own_seat) return walker.drawn;
    return world.positionOf(seat, now_ms);
  }

  /**
   * @param {Frame} frame
   * @param {import('../camera.js').View} view
   * @returns {Generator<Standing>}
   */
  *#animals(frame, view) {
    const context = this.#context;
    for (const animal of frame.world.animals.values()) {
      const spot = this.#spot(frame, animal.seat);
      const known = frame.world.spotOf(animal.seat);
      if (!spot || !known) continue;
      const { stride, pace, facing } = this.#gait.step(animal.seat, spot, frame.elapsed_s);
      if (!isSeen(view, spot.x, spot.y, 120)) continue;
      const feeling = animal.emote && frame.now_ms - animal.emote.since_ms < EMOTE_MS ? animal.emote.emote : null;
      const swimming = isInWater(this.#scenery.ponds, spot.x, spot.y, -6);
      const breath = frame.now_ms / 420 + animal.seat * 1.7;
      const pose = {
        stride,
        pace,
        facing,
        breath,
        blinking: Math.floor(frame.now_ms / 140 + animal.seat * 11) % 29 === 0,
        sleeping: feeling === 'sleep' || animal.away,
        swimming,
        dance: feeling === 'dance' && !frame.calm ? frame.now_ms / 150 : 0,
      };
      yield {
        y: spot.y,
        draw: () => {
          const arriving = Math.min(1, (frame.now_ms - known.came_ms) / 400);
          context.save();
          context.translate(spot.x, spot.y);
          context.scale(ANIMAL_SCALE * arriving, ANIMAL_SCALE * arriving);
          context.globalAlpha = animal.away ? 0.45 : 1;
          drawAnimal(context, animal.kind, pose);
          context.scale(facing, 1);
          if (!swimming) drawBag(context, known.carries, HEIGHTS[animal.kind]);
          context.restore();
        },
      };
    }
  }

  /**
   * @param {Frame} frame
   * @param {import('../camera.js').View} view
   * @returns {Generator<Standing>}
   */
  *#flowers({ world, now_ms, calm }, view) {
    const context = this.#context;
    for (const flower of world.flowers.values()) {
      const { x, y } = flower;
      if (!isSeen(view, x, y, 40)) continue;
      const sway = calm ? 0 : wind(x, y, now_ms) * 0.16;
      const on_water = isInWater(this.#scenery.ponds, x, y);
      const draw = () => {
        context.save();
        context.translate(x, y);
        drawFlower(context, flower, { now_ms, sway, on_water });
        context.restore();
      };
      yield { y, draw };
    }
  }

  /**
   * What can be taken.
   *
   * @param {Frame} frame
   * @param {import('../camera.js').View} view
   * @returns {Generator<Standing>}
   */
  *#lying({ world, now_ms }, view) {
    const context = this.#context;
    for (const thing of world.things.values()) {
      const { x, y } = heaped(thing);
      if (!isSeen(view, x, y, 40)) continue;
      const draw = () => {
        context.save();
        context.translate(x, y);
        drawLying(context, thing, now_ms);
        context.restore();
      };
      yield { y, draw };
    }
  }

  /**
   * What stands on the field and nobody can move.
   *
   * @param {Frame} frame
   * @param {import('../camera.js').View} view
   * @param {number} scale
   * @returns {Generator<Standing>}
   */
  *#standing({ now_ms, calm }, view, scale) {
    const context = this.#context;
    for (const thing of this.#scenery.things) {
      if (thing.x < view.left - 130 || thing.x > view.right + 130) continue;
      if (thing.y < view.top - 30 || thing.y > view.bottom + TALL * thing.scale) continue;
      const gust = calm ? 0 : wind(thing.x, thing.y, now_ms);
      yield { y: thing.y, draw: () => this.#sprites.draw(context, thing, gust, scale) };
    }
  }

  /**
   * Tufts that bend in the wind, between the painted blades.
   *
   * @param {Frame} frame
   * @param {import('../camera.js').View} view
   * @returns {Generator<Standing>}
   */
  *#tufts({ world, now_ms, calm }, view) {
    const context = this.#context;
    const step = 92;
    const { ponds, pathY } = this.#scenery;
    for (let b = Math.floor(view.top / step); b * step < view.bottom + 30; b += 1) {
      for (let a = Math.floor(view.left / step); a * step < view.right + 30; a += 1) {
        if (chance(a, b, 120) > 0.6) continue;
        const x = (a + chance(a, b, 121)) * step;
        const y = (b + chance(a, b, 122)) * step;
        if (y > world.height + 90 || y < -40 || x < -40 || x > world.width + 40) continue;
        if (isInWater(ponds, x, y, 24) || Math.abs(y - pathY(x)) < 40) continue;
        const bend = calm ? 0 : wind(x, y, now_ms) * 4.5;
        yield { y, draw: () => drawTuft(context, { x, y }, bend, chance(a, b, 123)) };
      }
    }
  }

  /** Morning light from the upper left, and edges that are a little darker. */
  #drawLight() {
    const context = this.#context;
    const { width_px, height_px } = this.#camera;
    const radius = Math.hypot(width_px, height_px);
    const sun = context.createRadialGradient(width_px * 0.12, -height_px * 0.1, 0, width_px * 0.12, -height_px * 0.1, radius);
    sun.addColorStop(0, 'rgba(255, 238, 180, 0.30)');
    sun.addColorStop(0.5, 'rgba(255, 238, 180, 0.05)');
    sun.addColorStop(1, 'rgba(36, 70, 84, 0.17)');
    context.fillStyle = sun;
    context.fillRect(0, 0, width_px, height_px);
  }

  /** @param {Frame} frame */
  #drawLabels(frame) {
    const { world, now_ms } = frame;
    const seen = [...world.animals.values()].flatMap((animal) => {
      const spot = this.#spot(frame, animal.seat);
      return spot && isSeen(this.#camera.view, spot.x, spot.y, 160) ? [{ animal, spot }] : [];
    });
    seen.sort((a, b) => a.spot.y - b.spot.y);
    // On a large screen the animals are larger, and so are their letters.
    const size = Math.min(1.5, Math.max(1, this.#camera.zoom / 1.25));
    const area = { width: this.#camera.width_px / size, height: this.#camera.height_px / size };
    this.#context.scale(size, size);
    for (const { animal, spot } of seen) {
      const foot = this.#camera.toScreen(spot.x, spot.y);
      drawName(this.#context, animal.name, foot.x / size, foot.y / size + 17, { own: animal.seat === world.own_seat, away: animal.away });
    }
    for (const { animal, spot } of seen) {
      const head = this.#camera.toScreen(spot.x, spot.y - HEIGHTS[animal.kind] * ANIMAL_SCALE - 3);
      drawThoughts(this.#context, animal, { x: head.x / size, y: head.y / size }, area, now_ms);
    }
  }
}

/**
 * Where a thing is drawn.
 *
 * @param {{id: number, x: number, y: number}} thing
 */
function heaped({ id, x, y }) {
  // The golden angle: things with ids next to each other lie apart.
  const angle = id * 2.4;
  return { x: x + Math.cos(angle) * HEAP, y: y + Math.sin(angle) * HEAP * 0.6 };
}

/**
 * @param {import('../camera.js').View} view
 * @param {number} x
 * @param {number} y
 * @param {number} reach
 */
function isSeen({ left, top, right, bottom }, x, y, reach) {
  return x > left - reach && x < right + reach && y > top - reach && y < bottom + reach;
}
