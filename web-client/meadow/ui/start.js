import { ANIMALS, FLOWER_KINDS, animalKind } from '../world.js';
import { HEIGHTS, PORTRAIT_POSE, drawAnimal } from '../view/animals.js';
import { drawFlowerHead } from '../view/flowers.js';
import { byId, drawInto, make, picture } from './dom.js';

/**
 * The card at the gate: a name, an animal, one button.
 *
 * @typedef {{name: string, animal: import('../world.js').AnimalKind}} Choice
 */

const STORAGE_KEY = 'meadow.player';

/** @type {Record<import('../world.js').AnimalKind, string>} */
const ANIMAL_NAMES = { fox: 'Fox', rabbit: 'Rabbit', hedgehog: 'Hedgehog', deer: 'Deer', badger: 'Badger', duck: 'Duck' };

/** What to say for the server's codes. */
const REASONS = /** @type {Record<string, string>} */ ({
  bad_name: 'This name cannot be used. Up to 24 letters, digits or emoji, please.',
  server_full: 'All meadows are full just now. Please try again in a moment.',
  draining: 'The meadow is about to restart. Please try again in a moment.',
  timeout: 'The meadow cannot be reached. Is the network there?',
  network: 'The meadow cannot be reached. Is the network there?',
});

export class StartCard {
  #name = byId('name', 'input');
  #button = byId('enter', 'button');
  #error = byId('start-error', 'p');

  /** @param {(choice: Choice) => void} onStart */
  constructor(onStart) {
    const remembered = recall();
    this.#name.value = remembered.name;
    const animals = byId('animals', 'div');
    for (const animal of ANIMALS) animals.append(animalTile(animal, animal === remembered.animal));
    drawInto(byId('garland', 'canvas'), 210, 44, drawGarland);
    byId('start-form', 'form').addEventListener('submit', (event) => {
      event.preventDefault();
      const choice = this.#choice();
      if (choice) onStart(choice);
    });
    // A phone would open its keyboard over the animals before anybody saw them.
    if (!matchMedia('(pointer: coarse)').matches) this.#name.focus();
  }

  /** @param {string} code */
  invite(code) {
    const invitation = byId('invitation', 'p');
    invitation.hidden = false;
    invitation.replaceChildren('You are invited to the meadow ', make('b', '', code), '.');
  }

  /** @param {boolean} busy */
  setBusy(busy) {
    this.#button.disabled = busy;
    this.#button.textContent = busy ? 'Opening the gate…' : 'Step into the meadow';
    if (busy) this.#error.textContent = '';
  }

  /** @param {{code: string, detail: string}} error */
  refuse({ code, detail }) {
    this.#error.textContent = REASONS[code] ?? `That did not work: ${detail}`;
    if (code === 'bad_name') this.#name.focus();
  }

  /** @returns {Choice | null} */
  #choice() {
    const name = this.#name.value.trim();
    if (name === '') {
      this.#error.textContent = 'Please type a name first.';
      this.#name.focus();
      return null;
    }
    const checked = document.querySelector('input[name="animal"]:checked');
    const animal = animalKind(checked instanceof HTMLInputElement ? checked.value : '');
    remember({ name, animal });
    return { name, animal };
  }
}

/** @returns {Choice} the last choice on this device, or a fox without a name */
export function recall() {
  try {
    const stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}');
    return { name: String(stored.name ?? ''), animal: stored.animal ? animalKind(stored.animal) : 'fox' };
  } catch {
    return { name: '', animal: 'fox' };
  }
}

/** @param {Choice} choice */
function remember(choice) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(choice));
  } catch {
    // Without storage the name is typed again next time.
  }
}

/**
 * @param {import('../world.js').AnimalKind} animal
 * @param {boolean} checked
 */
function animalTile(animal, checked) {
  const radio = make('input', '');
  radio.type = 'radio';
  radio.name = 'animal';
  radio.value = animal;
  radio.checked = checked;
  return make('label', '', radio, make('span', 'tile', animalPicture(animal, 76, 68), ANIMAL_NAMES[animal]));
}

/**
 * @param {import('../world.js').AnimalKind} animal
 * @param {number} width
 * @param {number} height
 */
export function animalPicture(animal, width, height) {
  return picture(width, height, (context) => {
    const scale = Math.min(width / 92, height / (HEIGHTS[animal] + 9));
    // A tail reaches further back than a nose does forward.
    context.translate(width / 2 + 4 * scale, height - 7 * scale);
    context.scale(scale, scale);
    drawAnimal(context, animal, PORTRAIT_POSE);
  });
}

/** @param {CanvasRenderingContext2D} context */
function drawGarland(context) {
  context.beginPath();
  context.moveTo(8, 12);
  context.quadraticCurveTo(105, 52, 202, 12);
  context.lineWidth = 2.4;
  context.lineCap = 'round';
  context.strokeStyle = '#6fae56';
  context.stroke();
  for (let i = 0; i < 9; i += 1) {
    const part = (i + 0.5) / 9;
    const x = 8 + part * 194;
    const y = 12 + 4 * part * (1 - part) * 20;
    context.save();
    context.translate(x, y);
    context.scale(0.98, 0.98);
    // The first kind is white, and so is the card.
    drawFlowerHead(context, 1 + (i % (FLOWER_KINDS - 1)));
    context.restore();
  }
}
