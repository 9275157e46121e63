import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEADLINE_MS, openPage, startBrowser, startServer } from './harness.js';

/**
 * The SDK alone, in a real browser against the real server whose streams last about a second.
 */

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** @type {Awaited<ReturnType<typeof startBrowser>>} */
let chromium;

before(async () => {
  server = await startServer(undefined, ['--rotate-ms', '1000']);
  chromium = await startBrowser();
});

after(async () => {
  await chromium?.stop();
  await server?.stop();
});

for (const batch of [true, false]) {
  test(`streams rotate ${batch ? 'in batches' : 'event by event'}, and the page neither sees nor misses anything`, { timeout: 90_000 }, async () => {
    const { page, complaints } = await openPage(chromium.browser, server.url);
    const seen = await page.evaluate(async (batches, deadline_ms) => {
      const { connect } = await import(/** @type {any} */ ('/sdk/index.js'));
      /** @type {string[]} */
      const streams = [];
      /** @type {string[]} */
      const told = [];
      /** @type {number[]} */
      const heard = [];
      /** @param {string} name */
      const player = async (name) => {
        const session = await connect({
          name,
          batch: batches,
          fetch: (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
            if (url.includes('/v1/stream')) streams.push(url);
            return fetch(url, init);
          },
        });
        for (const event of ['status', 'away', 'back', 'reset', 'renewed', 'error', 'closed']) {
          session.on(event, (/** @type {any} */ payload) => told.push(`${name} ${event} ${JSON.stringify(payload)}`));
        }
        return session;
      };
      const listener = await player('Listener');
      listener.on('msg', (/** @type {any} */ { data }) => heard.push(data));
      const { code } = await listener.join({ game: 'relay', create: true, private: true });
      const author = await player('Author');
      await author.join({ code });
      const until_ms = performance.now() + deadline_ms;
      let said = 0;
      while (streams.length < 8 && performance.now() < until_ms) {
        for (let i = 0; i < 3; i += 1) author.send('count', (said += 1));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      while (heard.length < said && performance.now() < until_ms) await new Promise((resolve) => setTimeout(resolve, 10));
      const result = { streams: streams.length, asked: streams[0], told: [...told], heard, said };
      for (const session of [author, listener]) session.close();
      return result;
    }, batch, DEADLINE_MS);
    assert.ok(seen.streams >= 8, `${seen.streams} streams`);
    assert.equal(seen.asked?.includes('batch=1'), batch);
    assert.deepEqual(seen.told, []);
    assert.deepEqual(seen.heard, Array.from({ length: seen.said }, (_, i) => i + 1), 'each once and in order');
    assert.deepEqual(complaints, []);
    await page.browserContext().close();
  });
}

test('what was made although its answer was lost is not made twice', { timeout: 60_000 }, async () => {
  const own = await startServer();
  const { page, complaints } = await openPage(chromium.browser, own.url);
  const seen = await page.evaluate(async () => {
    const { connect } = await import(/** @type {any} */ ('/sdk/index.js'));
    /** @type {string[]} */
    const lost = [];
    /** @type {string[]} */
    const told = [];
    const session = await connect({
      name: 'Zoë 🦊',
      fetch: async (/** @type {string} */ url, /** @type {RequestInit} */ init) => {
        const response = await fetch(url, init);
        const { pathname } = new URL(url);
        if (pathname === '/v1/stream' || lost.includes(pathname)) return response;
        lost.push(pathname);
        await response.text();
        throw new TypeError('the answer was lost');
      },
    });
    for (const event of ['joined', 'gone']) session.on(event, (/** @type {any} */ { seat }) => told.push(`${event} ${seat}`));
    // A private room is never found again by its fields: without a key the second try would make another one.
    await session.join({ game: 'relay', create: true, private: true });
    await session.chat('hi');
    const gone = new Promise((resolve) => session.on('gone', resolve));
    const left = await session.leave();
    await gone;
    const metrics = await (await fetch('/metrics')).text();
    session.close();
    return { lost, told: [...told], left, metrics };
  });
  assert.deepEqual(seen.lost, ['/v1/sessions', '/v1/join', '/v1/send', '/v1/leave']);
  assert.deepEqual(seen.told, ['joined 1', 'gone 1']);
  assert.equal(seen.left, true);
  assert.match(seen.metrics, /^sward_sessions_made_total 1$/m);
  assert.match(seen.metrics, /^sward_messages_in_total 1$/m);
  assert.deepEqual(complaints, []);
  await page.browserContext().close();
  await own.stop();
});
