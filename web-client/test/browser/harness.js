import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import puppeteer from 'puppeteer-core';

/**
 * A real server, a real browser, and players who use the page as people do.
 *
 * @typedef {import('puppeteer-core').Browser} Browser
 * @typedef {import('puppeteer-core').Page} Page
 *
 * @typedef {object} Player
 * @property {Page} page
 * @property {string} name
 * @property {string[]} complaints console errors and uncaught exceptions
 *
 * @typedef {object} Seen what `window.meadow.state()` says
 * @property {string} phase
 * @property {string | null} code
 * @property {{id: string, name: string}} player
 * @property {string | null} room its id
 * @property {{seat: number, x: number, y: number, basket: number, bag: {id: number, kind: string}[]} | null} own
 * @property {{seat: number, name: string, kind: string, away: boolean, basket: number, carries: number, x?: number, y?: number}[]} animals
 *   all who are in the meadow; those out of sight without a place
 * @property {{id: number, x: number, y: number, kind: number, open: boolean}[]} flowers
 * @property {{id: number, x: number, y: number, kind: string}[]} things
 * @property {number} hash of what it sees
 * @property {number | null} [followed] whom who watches follows
 * @property {{x: number, y: number}} [camera] of who watches
 * @property {{name: string, text: string}[]} chat
 */

export const DEADLINE_MS = 15_000;
export const DESKTOP = { width: 1_280, height: 800 };
export const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

const BINARY = process.env.SWARD_BIN ?? fileURLToPath(new URL('../../../target/release/sward', import.meta.url));
const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';

/**
 * @param {string} [listen] a free port unless told
 * @param {string[]} [settings] as on the command line
 * @returns {Promise<{url: string, stop: () => Promise<void>, kill: () => Promise<void>}>}
 */
export async function startServer(listen = '127.0.0.1:0', settings = []) {
  const server = spawn(BINARY, ['--listen', listen, ...settings], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(server, 'exit');
  const url = await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`${BINARY} exited with ${code}`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (found) resolve(found[0]);
    });
  });
  return {
    url,
    stop: async () => {
      server.kill('SIGTERM');
      const late = setTimeout(() => server.kill('SIGKILL'), 5_000);
      await ended;
      clearTimeout(late);
    },
    kill: async () => {
      server.kill('SIGKILL');
      await ended;
    },
  };
}

/** @type {Record<'chromium' | 'firefox', import('puppeteer-core').LaunchOptions>} */
const BROWSERS = {
  chromium: {
    browser: 'chrome',
    executablePath: CHROMIUM,
    args: [
      '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync', '--disable-renderer-backgrounding',
      '--disable-backgrounding-occluded-windows', '--disable-background-timer-throttling',
    ],
  },
  firefox: {
    browser: 'firefox',
    executablePath: FIREFOX,
    args: ['--headless'],
    extraPrefsFirefox: {
      // Nothing may be looked up beyond loopback.
      'app.update.disabledForTesting': true,
      'browser.safebrowsing.malware.enabled': false,
      'browser.safebrowsing.phishing.enabled': false,
      'captivedetect.canonicalURL': '',
      'network.captive-portal-service.enabled': false,
      'network.connectivity-service.enabled': false,
      'network.prefetch-next': false,
      'services.settings.server': 'data:,',
      'toolkit.telemetry.enabled': false,
    },
  },
};

/**
 * @param {'chromium' | 'firefox'} [kind]
 * @returns {Promise<{browser: Browser, stop: () => Promise<void>}>}
 */
export async function startBrowser(kind = 'chromium') {
  const profile = mkdtempSync(join(tmpdir(), 'sward-browser-'));
  const browser = await puppeteer.launch({ userDataDir: profile, ...BROWSERS[kind] });
  return {
    browser,
    stop: async () => {
      await browser.close();
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/**
 * Each player has a browser context of their own, as two people have two browsers.
 *
 * @param {Browser} browser
 * @param {string} url
 * @param {{viewport?: import('puppeteer-core').Viewport, reducedMotion?: boolean}} [options]
 * @returns {Promise<{page: Page, complaints: string[]}>}
 */
export async function openPage(browser, url, { viewport = DESKTOP, reducedMotion = false } = {}) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  await page.setViewport(viewport);
  if (reducedMotion) await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await page.goto(url);
  return { page, complaints };
}

/**
 * Fills in the card and steps in.
 *
 * @param {Browser} browser
 * @param {string} url
 * @param {{name: string, animal?: string, viewport?: import('puppeteer-core').Viewport, reducedMotion?: boolean}} options
 * @returns {Promise<Player>}
 */
export async function enterAs(browser, url, { name, animal = 'fox', ...options }) {
  const { page, complaints } = await openPage(browser, url, options);
  await page.waitForSelector('#animals input');
  await page.type('#name', name);
  await page.$eval(`#animals input[value="${animal}"]`, (radio) => radio.click());
  await page.click('#enter');
  await playing(page);
  return { page, name, complaints };
}

/** @param {Page} page */
export async function playing(page) {
  await waitFor(page, 'the own animal stands on the field', (state) => state.own !== null);
}

/**
 * @param {Page} page
 * @returns {Promise<Seen>}
 */
export function look(page) {
  return page.evaluate(() => /** @type {any} */ (window).meadow.state());
}

/**
 * Waits until the page's own view fulfils a condition. The condition runs here, so it may use what the test knows.
 *
 * @param {Page} page
 * @param {string} what for the message
 * @param {(state: Seen) => boolean} condition
 * @param {number} [within_ms]
 * @returns {Promise<Seen>}
 */
export async function waitFor(page, what, condition, within_ms = DEADLINE_MS) {
  const deadline_ms = Date.now() + within_ms;
  /** @type {Seen | null} */
  let state = null;
  while (Date.now() < deadline_ms) {
    state = await page.evaluate(() => /** @type {any} */ (window).meadow?.state() ?? null);
    if (state && condition(state)) return state;
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 25)));
  }
  throw new Error(`within ${within_ms} ms it did not happen that ${what}; last seen: ${JSON.stringify(state && { ...state, flowers: undefined, things: undefined })}`);
}

/**
 * @param {Seen} state
 * @param {string} name
 */
export function animalOf(state, name) {
  return state.animals.find((animal) => animal.name === name);
}

/**
 * @param {Page} page
 * @param {string} text
 */
export async function say(page, text) {
  await page.type('#chat-text', text);
  await page.keyboard.press('Enter');
}

/**
 * Taps the field at a place, or on the way there when it is so far that a panel may lie over it.
 *
 * @param {Page} page
 * @param {{x: number, y: number}} place in field units
 */
export async function tapField(page, place) {
  const [from, to] = await page.evaluate(({ x, y }) => {
    const { own, toScreen } = /** @type {any} */ (window).meadow.state();
    return [toScreen(own.x, own.y), toScreen(x, y)];
  }, place);
  const { width, height, hasTouch } = /** @type {import('puppeteer-core').Viewport} */ (page.viewport());
  const part = Math.min(1, (Math.min(width, height) * 0.2) / Math.hypot(to.x - from.x, to.y - from.y));
  const x = from.x + (to.x - from.x) * part;
  const y = from.y + (to.y - from.y) * part;
  if (hasTouch) await page.touchscreen.tap(x, y);
  else await page.mouse.click(x, y);
}

/**
 * Walks to a place by tapping towards it, further than one screen too.
 *
 * @param {Page} page
 * @param {{x: number, y: number}} place in field units
 * @param {number} near how many units beside it will do
 * @returns {Promise<Seen>}
 */
export async function walkTo(page, place, near) {
  await page.bringToFront();
  const deadline_ms = Date.now() + 60_000;
  /** @param {Seen} state */
  const left = ({ own }) => (own === null ? Infinity : Math.hypot(own.x - place.x, own.y - place.y));
  let state = await look(page);
  while (left(state) > near) {
    if (Date.now() > deadline_ms) throw new Error(`it did not arrive at ${JSON.stringify(place)}; last seen at ${JSON.stringify(state.own)}`);
    const before = left(state);
    await tapField(page, place);
    state = await waitFor(page, 'it comes nearer', (now) => left(now) <= near || left(now) < before - 60).catch(() => look(page));
  }
  return state;
}
