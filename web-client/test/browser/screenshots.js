import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PHONE, enterAs, look, openPage, say, startBrowser, startServer, waitFor, walkTo } from './harness.js';

/**
 * Pictures of the game for the README and for looking at: `node test/browser/screenshots.js DIRECTORY`.
 */

const directory = process.argv[2];
if (directory === undefined) throw new Error('usage: node test/browser/screenshots.js DIRECTORY');
mkdirSync(directory, { recursive: true });

/** Small, because seven pages draw on one machine. */
const GUEST_SCREEN = { width: 760, height: 620 };

const GUESTS = /** @type {const} */ ([
  { name: 'Zoë 🦊', animal: 'fox', dx: -150, dy: -60, says: 'good morning!' },
  { name: 'سارة', animal: 'rabbit', dx: 170, dy: -110, says: 'صباح الخير' },
  { name: 'ธนวัฒน์', animal: 'hedgehog', dx: 120, dy: 95, says: '' },
  { name: 'Ida', animal: 'deer', dx: -260, dy: 70, says: 'shall we pick the poppies by the pond?' },
  { name: 'Tomasz', animal: 'badger', dx: 300, dy: 40, says: '' },
  { name: 'Nguyễn', animal: 'duck', dx: -60, dy: 140, says: '' },
]);

/**
 * @param {import('puppeteer-core').Page} page
 * @param {string} name
 */
async function shoot(page, name) {
  await page.bringToFront();
  await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
  const path = /** @type {`${string}.jpeg`} */ (join(/** @type {string} */ (directory), `${name}.jpeg`));
  await page.screenshot({ path, type: 'jpeg', quality: 82 });
}

const server = await startServer();
const { browser, stop } = await startBrowser();
try {
  const { page: gate } = await openPage(browser, server.url, { viewport: { width: 1_440, height: 900 } });
  await gate.waitForSelector('#animals canvas');
  await shoot(gate, 'start-desktop');
  const { page: phone_gate } = await openPage(browser, server.url, { viewport: PHONE });
  await phone_gate.waitForSelector('#animals canvas');
  await shoot(phone_gate, 'start-phone');
  await gate.close();
  await phone_gate.close();

  const host = await enterAs(browser, server.url, { name: 'Juniper', animal: 'fox', viewport: { width: 1_440, height: 900 } });
  const middle = { x: 2_060, y: 1_340 };
  await walkTo(host.page, middle, 60);
  const { own } = await look(host.page);
  const around = own ?? middle;
  const guests = [];
  for (const guest of GUESTS) {
    const player = await enterAs(browser, server.url, { ...guest, viewport: GUEST_SCREEN, reducedMotion: true });
    await walkTo(player.page, { x: around.x + guest.dx, y: around.y + guest.dy }, 40);
    guests.push({ ...guest, ...player });
  }
  for (const { page, says } of guests) if (says !== '') await say(page, says);
  for (const [index, emote] of /** @type {[number, string][]} */ ([[2, 'heart'], [4, 'laugh']])) {
    await guests[index]?.page.$eval(`[data-emote="${emote}"]`, (button) => /** @type {HTMLElement} */ (button).click());
  }
  await waitFor(host.page, 'it was all heard', ({ chat }) => chat.length >= 3);
  await shoot(host.page, 'meadow-desktop');
  await say(host.page, 'What a lovely morning. Let us see who fills a basket first!');
  await waitFor(host.page, 'it was said', ({ chat }) => chat.length >= 4);
  await shoot(host.page, 'meadow-chat');

  const caller = await enterAs(browser, server.url, { name: 'Mika', animal: 'rabbit', viewport: PHONE });
  await walkTo(caller.page, { x: around.x + 70, y: around.y + 30 }, 40);
  await say(caller.page, 'hello from my phone');
  await shoot(caller.page, 'meadow-phone');
} finally {
  await stop();
  await server.stop();
}
