import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEADLINE_MS, DESKTOP, PHONE, openPage, startBrowser, startServer } from './harness.js';

/**
 * The card game in a real browser against the real server. With SWARD_PICTURES=DIRECTORY it leaves pictures there.
 *
 * @typedef {import('puppeteer-core').Page} Page
 */

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startBrowser>>} */
let chromium;

before(async () => {
  server = await startServer();
  chromium = await startBrowser();
});

after(async () => {
  await chromium?.stop();
  await server?.stop();
});

/** @param {string} url @param {string} name @param {import('puppeteer-core').Viewport} viewport */
async function sitDown(url, name, viewport) {
  const { page, complaints } = await openPage(chromium.browser, url, { viewport, reducedMotion: true });
  await page.type('#name', name);
  await page.keyboard.press('Enter');
  await page.waitForFunction('window.cards?.session.room', { timeout: DEADLINE_MS });
  return { page, complaints };
}

/** @param {Page} page */
const look = (page) =>
  /** @type {Promise<{turn: number | null, hand: string[], drew: boolean, fitting: string[], own: number}>} */ (
    page.evaluate(() => {
      const { table, session } = /** @type {any} */ (window).cards;
      const fitting = table.hand.cards.filter((/** @type {string} */ card) => table.fits(card));
      return { turn: table.round?.turn ?? null, hand: table.hand.cards, drew: table.hand.drew, fitting, own: session.room?.seat };
    })
  );

/** @param {Page} page @param {string} name */
async function shoot(page, name) {
  const directory = process.env.SWARD_PICTURES;
  if (directory === undefined) return;
  mkdirSync(directory, { recursive: true });
  await page.bringToFront();
  await page.screenshot({ path: /** @type {`${string}.png`} */ (join(directory, `${name}.png`)) });
}

/** One turn as a person takes it: a card that fits is clicked, else one is drawn. @param {Page} page */
async function takeTurn(page) {
  await page.bringToFront();
  const { fitting, own } = await look(page);
  const card = fitting[0];
  if (card === undefined) {
    await page.keyboard.press('d');
    await page.waitForFunction('window.cards.table.hand.drew', { timeout: DEADLINE_MS });
    await page.click('#pass');
  } else {
    await page.focus(`#hand [data-card="${card}"]`);
    await page.keyboard.press('Enter');
    if (card.startsWith('8')) {
      await page.waitForSelector('#suits[open]');
      await page.click('#suits [data-suit="H"]');
    }
  }
  await page.waitForFunction(`window.cards.table.round?.turn !== ${own}`, { timeout: DEADLINE_MS });
}

test('two play by a link, each sees only his own cards, and a reload keeps the hand', { timeout: 90_000 }, async () => {
  const zoe = await sitDown(`${server.url}/cards/`, 'Zoë 🦊', DESKTOP);
  const link = zoe.page.url();
  assert.match(link, /\?room=[A-Z]+$/);
  const sara = await sitDown(link, 'سارة', PHONE);
  await shoot(zoe.page, 'cards-waiting');
  for (const { page } of [zoe, sara]) {
    await page.bringToFront();
    await page.click('#ready');
  }
  for (const { page } of [zoe, sara]) await page.waitForFunction('document.querySelectorAll("#hand .card").length === 7', { timeout: DEADLINE_MS });
  for (let turn = 0; turn < 6; turn += 1) {
    const now = await look(zoe.page);
    if (now.turn === null) break;
    const [mover, other] = now.turn === now.own ? [zoe, sara] : [sara, zoe];
    await takeTurn(mover.page);
    const held = (await look(mover.page)).hand;
    const seen = await other.page.content();
    for (const card of held) assert.ok(!seen.includes(`data-card="${card}"`), `${card} is shown to the other`);
    await other.page.waitForFunction('window.cards.table.round?.turn === window.cards.session.room.seat', { timeout: DEADLINE_MS });
  }
  await shoot(zoe.page, 'cards-desktop');
  await shoot(sara.page, 'cards-phone');
  const overflow = await sara.page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  assert.equal(overflow, false, 'nothing is wider than the phone');
  await sara.page.bringToFront();
  const { hand } = await look(sara.page);
  await sara.page.reload();
  await sara.page.waitForFunction(`document.querySelectorAll("#hand .card").length >= ${hand.length}`, { timeout: DEADLINE_MS });
  const again = await look(sara.page);
  for (const card of hand) assert.ok(again.hand.includes(card), `${card} is still there`);
  for (const { page, complaints } of [zoe, sara]) {
    assert.deepEqual(complaints, []);
    await page.browserContext().close();
  }
});
