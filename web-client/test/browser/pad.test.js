import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { DEADLINE_MS, startBrowser, startServer } from './harness.js';

/**
 * The page of docs/page-only.md, as two people use it.
 */

const PAD = fileURLToPath(new URL('../../../server/examples/pad', import.meta.url));

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startBrowser>>} */
let chromium;

before(async () => {
  server = await startServer(undefined, ['--files', PAD]);
  chromium = await startBrowser();
});

after(async () => {
  await chromium?.stop();
  await server?.stop();
});

/** @param {string} name */
async function writer(name) {
  const context = await chromium.browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(DEADLINE_MS);
  page.on('dialog', (dialog) => void dialog.accept(name));
  await page.goto(server.url);
  await page.waitForSelector('li');
  return page;
}

test('what one writes the others read, also who comes later, and who is where', { timeout: 60_000 }, async () => {
  const zoe = await writer('Zoë');
  await zoe.type('textarea', 'milk\nbread');
  const bo = await writer('Bo');
  const text = () => bo.$eval('textarea', (pad) => pad.value);
  const people = () => bo.$$eval('li', (items) => items.map((item) => item.textContent));
  assert.equal(await text(), 'milk\nbread');
  assert.deepEqual(await people(), ['Zoë, line 2', 'Bo, line 1']);
  await zoe.type('textarea', '\ntea');
  await bo.waitForFunction(() => document.querySelector('textarea')?.value.endsWith('\ntea') && document.querySelector('li')?.textContent === 'Zoë, line 3');
  await zoe.click('li:nth-child(2)');
  await bo.waitForFunction(() => document.title === 'Zoë nudges you');
  await zoe.reload();
  await zoe.waitForFunction(() => document.querySelector('textarea')?.value === 'milk\nbread\ntea' && document.querySelectorAll('li').length === 2);
  await zoe.close();
  await bo.waitForFunction(() => document.querySelectorAll('li').length === 1);
});
