import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  DEADLINE_MS, PHONE, animalOf, enterAs, look, openPage, playing, say, startBrowser, startServer, tapField, waitFor, walkTo,
} from './harness.js';
import { WorldView } from '../../sdk/world-view.js';

/**
 * The game in a real browser against the real server: what two people see of each other.
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

/** @param {string} name @param {Partial<Parameters<typeof enterAs>[2]>} [options] */
const enter = (name, options) => enterAs(chromium.browser, server.url, { name, ...options });

/** @param {...import('./harness.js').Player} players */
async function leave(...players) {
  for (const { page, name, complaints } of players) {
    assert.deepEqual(complaints, [], `the console of ${name}`);
    await page.browserContext().close();
  }
}

/** @param {{x: number, y: number}} a @param {{x?: number, y?: number} | undefined} b */
const distance = (a, b) => (b?.x === undefined || b.y === undefined ? Infinity : Math.hypot(a.x - b.x, a.y - b.y));

test('one walks and the other sees it arrive at the same place', { timeout: 90_000 }, async () => {
  const zoe = await enter('Zoë 🦊', { animal: 'fox' });
  const sara = await enter('سارة', { animal: 'rabbit' });
  await waitFor(zoe.page, 'both are there', (state) => animalOf(state, 'سارة') !== undefined);
  const before = await look(sara.page);
  const from = animalOf(before, 'Zoë 🦊');
  assert.equal(from?.kind, 'fox');

  await zoe.page.bringToFront();
  const start = (await look(zoe.page)).own;
  assert.ok(start);
  const key = start.x > 1_200 ? 'KeyA' : 'KeyD';
  await zoe.page.keyboard.down(key);
  await waitFor(zoe.page, 'it walked', ({ own }) => own !== null && Math.abs(own.x - start.x) > 150);
  await zoe.page.keyboard.up(key);
  const { own } = await look(zoe.page);
  assert.ok(own);
  await sara.page.bringToFront();
  await waitFor(sara.page, 'the other sees it there', (state) => distance(own, animalOf(state, 'Zoë 🦊')) < 3);
  await waitFor(zoe.page, 'the walker stayed there', (state) => state.own !== null && distance(own, state.own) < 3);
  await leave(zoe, sara);
});

test('the mouse held on the field leads the animal, and let go it stops', { timeout: 60_000 }, async () => {
  const walker = await enter('Mouse');
  const { own } = await look(walker.page);
  assert.ok(own);
  const right = own.x < 1_200;
  await walker.page.mouse.move(right ? 1_000 : 280, 420);
  await walker.page.mouse.down();
  await waitFor(walker.page, 'it follows', (state) => state.own !== null && Math.abs(state.own.x - own.x) > 120);
  await walker.page.mouse.up();
  await leave(walker);
});

test('what one says, all hear, in any script', { timeout: 90_000 }, async () => {
  const names = ['Zoë 🦊', 'مريم', 'ธนวัฒน์', 'Ạ̈lī'];
  const players = [];
  for (const name of names) players.push(await enter(name, { animal: 'hedgehog', reducedMotion: true }));
  const texts = ['hello <b>you</b>', 'صباح الخير', 'สวัสดีตอนเช้า', '👩‍👩‍👧‍👦 é ñ'];
  for (const [index, { page }] of players.entries()) {
    await page.bringToFront();
    await say(page, texts[index] ?? '');
  }
  for (const { page } of players) {
    const state = await waitFor(page, 'all four lines are heard', ({ chat }) => texts.every((text) => chat.some((line) => line.text === text)));
    for (const [index, text] of texts.entries()) {
      assert.equal(state.chat.find((line) => line.text === text)?.name, names[index]?.normalize('NFC'));
    }
    const shown = await page.$$eval('#chat-log .words', (all) => all.map((element) => element.textContent));
    for (const text of texts) assert.ok(shown.includes(text), `${text} is shown as it was written`);
    assert.equal(await page.$('#chat-log b'), null, 'nothing of it became HTML');
  }
  await leave(...players);
});

test('a flower is picked by tapping it, and everybody sees it gone', { timeout: 120_000 }, async () => {
  const picker = await enter('Picker', { animal: 'badger' });
  const witness = await enter('Witness', { animal: 'deer', reducedMotion: true });
  await picker.page.bringToFront();
  const first = await look(picker.page);
  const { own } = first;
  assert.ok(own);
  const flower = first.flowers.filter(({ open }) => open).sort((a, b) => distance(own, a) - distance(own, b))[0];
  assert.ok(flower);
  await walkTo(picker.page, { x: flower.x, y: flower.y - 14 }, 120);
  await tapField(picker.page, { x: flower.x, y: flower.y - 14 });
  await waitFor(picker.page, 'it lies in the basket', (state) => (state.own?.basket ?? 0) > 0);
  await waitFor(witness.page, 'the other sees the basket', (state) => (animalOf(state, 'Picker')?.basket ?? 0) > 0);
  await leave(picker, witness);
});

/**
 * Walks to the nearest thing and takes it.
 *
 * @param {import('./harness.js').Player} player
 */
async function fetchThing({ page }) {
  await page.bringToFront();
  const { own, things } = await look(page);
  assert.ok(own);
  const thing = [...things].sort((a, b) => distance(own, a) - distance(own, b))[0];
  assert.ok(thing, 'something lies in sight');
  await walkTo(page, { x: thing.x, y: thing.y }, 40);
  // The server may have the animal a few steps behind.
  await waitFor(page, 'it stands', () => true);
  for (let tries = 0; tries < 20; tries += 1) {
    await page.keyboard.press('KeyE');
    const taken = await waitFor(page, 'it is taken', (state) => (state.own?.bag.length ?? 0) > own.bag.length, 1_000).catch(() => null);
    if (taken) return taken.own?.bag.at(-1) ?? thing;
  }
  throw new Error('nothing could be taken');
}

test('a thing is taken, carried over a reload, and dropped where the other sees it', { timeout: 150_000 }, async () => {
  const carrier = await enter('Carrier', { animal: 'badger' });
  const witness = await enter('Finder', { animal: 'deer', reducedMotion: true });
  const { id, kind } = await fetchThing(carrier);
  await waitFor(witness.page, 'it lies there no more, and is carried', (state) =>
    !state.things.some((thing) => thing.id === id) && animalOf(state, 'Carrier')?.carries === 1);
  await carrier.page.reload();
  await playing(carrier.page);
  await waitFor(carrier.page, 'it is still in the bag', ({ own }) => own?.bag.length === 1 && own.bag[0]?.id === id && own.bag[0].kind === kind);
  await waitFor(witness.page, 'the carrier is back', (state) => animalOf(state, 'Carrier')?.away === false);
  const { own } = await look(witness.page);
  assert.ok(own);
  await walkTo(carrier.page, { x: own.x + 60, y: own.y }, 40);
  await carrier.page.click(`#bag button[data-kind="${kind}"]`);
  await waitFor(carrier.page, 'the bag is empty', (state) => state.own?.bag.length === 0);
  const { own: dropped } = await look(carrier.page);
  assert.ok(dropped);
  await waitFor(witness.page, 'the other sees it lying', (state) => distance(dropped, state.things.find((thing) => thing.id === id)) < 80);
  await waitFor(witness.page, 'and nothing carried', (state) => animalOf(state, 'Carrier')?.carries === 0);
  await leave(carrier, witness);
});

test('who leaves drops what he carried', { timeout: 150_000 }, async () => {
  const stayer = await enter('Patient', { reducedMotion: true });
  const leaver = await enter('Hasty');
  const { id } = await fetchThing(leaver);
  await waitFor(stayer.page, 'it is carried', (state) => animalOf(state, 'Hasty')?.carries === 1);
  // The page comes in again at once, with a new animal and an empty bag.
  await leaver.page.evaluate(() => /** @type {any} */ (window).meadow.session.leave());
  await waitFor(stayer.page, 'it lies there again', (state) => state.things.some((thing) => thing.id === id) && !animalOf(state, 'Hasty')?.carries);
  await leaver.page.browserContext().close();
  await leave(stayer);
});

test('who watches sees all of the meadow, follows a player and moves the camera, without a seat', { timeout: 120_000 }, async () => {
  const actor = await enter('Actor', { animal: 'duck' });
  const { room, code } = await look(actor.page);
  const { page, complaints } = await openPage(chromium.browser, `${server.url}/?watch=${room}`);
  const begun = await waitFor(page, 'it is watched', (state) => state.phase === 'watching' && state.followed !== null && animalOf(state, 'Actor')?.x !== undefined);
  assert.equal(begun.own, null);
  const isFollowed = (/** @type {import('./harness.js').Seen} */ state) => state.followed === animalOf(state, 'Actor')?.seat;
  // Others may still be leaving from the test before.
  for (let next = 0; next < 5 && !isFollowed(await look(page)); next += 1) await page.keyboard.press('Space');
  const first = await waitFor(page, 'the space bar follows the next player', (state) =>
    isFollowed(state) && Math.hypot((state.camera?.x ?? 0) - (animalOf(state, 'Actor')?.x ?? 0), (state.camera?.y ?? 0) - (animalOf(state, 'Actor')?.y ?? 0)) < 5);
  const { x = 0, y = 0 } = animalOf(first, 'Actor') ?? {};
  assert.equal(first.flowers.length, 240, 'from one end to the other');
  for (const gone of ['#start', '#actions', '#bag', '#chat-form', '#share']) assert.equal(await page.$eval(gone, (element) => element.checkVisibility()), false, gone);
  assert.match(await page.$eval('#play', (link) => /** @type {HTMLAnchorElement} */ (link).href), new RegExp(`room=${code}`));
  await page.waitForFunction('document.querySelector("#badge-text").textContent === "watching Actor"', { timeout: DEADLINE_MS });

  await actor.page.bringToFront();
  await say(actor.page, 'do you see me?');
  await actor.page.$eval('#field', (field) => /** @type {HTMLElement} */ (field).focus());
  await actor.page.keyboard.down('KeyA');
  await waitFor(page, 'it is seen to walk', (state) => distance({ x, y }, animalOf(state, 'Actor')) > 200);
  await actor.page.keyboard.up('KeyA');
  await page.bringToFront();
  const after = await waitFor(page, 'the camera follows, and hears', (state) =>
    Math.abs((state.camera?.x ?? 0) - (first.camera?.x ?? 0)) > 100 && state.chat.some(({ text }) => text === 'do you see me?'));

  await page.keyboard.down('ArrowRight');
  await waitFor(page, 'the keys move it', (state) => state.followed === null && (state.camera?.x ?? 0) > (after.camera?.x ?? 0) + 200);
  await page.keyboard.up('ArrowRight');
  const moved = await look(page);
  await page.mouse.move(700, 400);
  await page.mouse.down();
  await page.mouse.move(500, 400, { steps: 12 });
  await page.mouse.up();
  await waitFor(page, 'so does a drag', (state) => (state.camera?.x ?? 0) > (moved.camera?.x ?? 0) + 80);
  await page.click(`#players-list li[data-seat="${animalOf(moved, 'Actor')?.seat}"]`);
  await waitFor(page, 'and a click on a player follows again', isFollowed);

  const { world } = await (await fetch(`${server.url}/v1/rooms/${room}/state`)).json().then(({ state }) => state);
  const anew = new WorldView();
  anew.replace(world);
  await waitFor(page, 'it knows what a newcomer is shown', (state) => state.hash === anew.hash());
  assert.deepEqual(complaints, []);
  await page.browserContext().close();
  await leave(actor);
});

test('a meadow that is not there cannot be watched, and the page says so', { timeout: 60_000 }, async () => {
  const { page } = await openPage(chromium.browser, `${server.url}/?watch=00000000-0000-4000-8000-000000000000`);
  await page.waitForFunction('document.querySelector("#ended").open', { timeout: DEADLINE_MS });
  assert.match(await page.$eval('#ended', (element) => element.textContent ?? ''), /nothing to watch/);
  await page.browserContext().close();
});

test('a feeling is shown to the others', { timeout: 60_000 }, async () => {
  const dancer = await enter('Dancer');
  const friend = await enter('Friend', { reducedMotion: true });
  await friend.page.evaluate(() => {
    const page = /** @type {any} */ (window);
    page.meadow.session.on('msg', (/** @type {any} */ message) => (page.lastMessage = message));
  });
  await dancer.page.bringToFront();
  await dancer.page.keyboard.press('Digit5');
  await friend.page.waitForFunction('window.lastMessage?.data?.emote === "dance"', { timeout: DEADLINE_MS });
  await leave(dancer, friend);
});

test('who closes the page is away at once and gone soon after', { timeout: 60_000 }, async () => {
  const stayer = await enter('Stayer');
  const leaver = await enter('Leaver');
  await waitFor(stayer.page, 'it came', (state) => animalOf(state, 'Leaver') !== undefined);
  await leaver.page.close({ runBeforeUnload: true });
  await stayer.page.bringToFront();
  await waitFor(stayer.page, 'it is away or gone', (state) => animalOf(state, 'Leaver')?.away !== false, 8_000);
  await waitFor(stayer.page, 'it is gone', (state) => animalOf(state, 'Leaver') === undefined, 30_000);
  await leave(stayer);
});

test('a reload keeps the seat, and nobody leaves', { timeout: 60_000 }, async () => {
  const reader = await enter('Reader');
  const stayer = await enter('Onlooker', { reducedMotion: true });
  await waitFor(stayer.page, 'the reader is there', (state) => animalOf(state, 'Reader') !== undefined);
  await stayer.page.evaluate(() => {
    const page = /** @type {any} */ (window);
    page.departures = 0;
    // Others may still be leaving from the test before.
    page.meadow.session.on('gone', (/** @type {any} */ { player }) => (page.departures += Number(player?.name === 'Reader')));
  });
  const seat = (await look(reader.page)).own?.seat;
  await reader.page.bringToFront();
  await reader.page.reload();
  await playing(reader.page);
  const again = await look(reader.page);
  assert.equal(again.own?.seat, seat);
  assert.equal(again.player.name, 'Reader');
  await waitFor(stayer.page, 'it is back', (state) => animalOf(state, 'Reader')?.away === false);
  assert.equal(await stayer.page.evaluate('window.departures'), 0);
  await leave(reader, stayer);
});

test('a phone plays with one finger', { timeout: 90_000 }, async () => {
  const phone = await enter('Pocket', { animal: 'duck', viewport: PHONE });
  const { own } = await look(phone.page);
  assert.ok(own);
  await phone.page.touchscreen.tap(own.x < 1_200 ? 350 : 40, 420);
  await waitFor(phone.page, 'it walked there', (state) => distance(own, state.own ?? undefined) > 60);
  await say(phone.page, 'from my pocket');
  await waitFor(phone.page, 'it was said', ({ chat }) => chat.some(({ text }) => text === 'from my pocket'));
  const overflow = await phone.page.evaluate('document.documentElement.scrollWidth > window.innerWidth');
  assert.equal(overflow, false, 'nothing is wider than the screen');
  await leave(phone);
});

test('a link leads to its meadow, and an unknown code to the open one', { timeout: 90_000 }, async () => {
  const host = await enter('Host');
  const { code } = await look(host.page);
  assert.match(host.page.url(), new RegExp(`room=${code}`));
  const guest = await enterAs(chromium.browser, `${server.url}/?room=${code?.toLowerCase()}`, { name: 'Guest' });
  assert.equal((await look(guest.page)).code, code);
  const lost = await enterAs(chromium.browser, `${server.url}/?room=QQQQQ`, { name: 'Lost' });
  assert.notEqual((await look(lost.page)).code, 'QQQQQ');
  const toasts = await lost.page.$$eval('#toasts .toast, #chat-log li', (all) => all.map((element) => element.textContent).join('\n'));
  assert.match(toasts, /QQQQQ/);
  // The browser itself writes the answer's 404 to the console, and no page can keep it from doing so.
  lost.complaints = lost.complaints.filter((complaint) => !complaint.includes('404'));
  await leave(host, guest, lost);
});

test('a line that could not be said is given back', { timeout: 60_000 }, async () => {
  const speaker = await enter('Speaker');
  await speaker.page.evaluate(() => void (/** @type {any} */ (window).meadow.session.close()));
  await say(speaker.page, 'words of gold');
  await speaker.page.waitForFunction('document.querySelector("#chat-text").value === "words of gold"', { timeout: DEADLINE_MS });
  await leave(speaker);
});

test('the badge tells the round trip within seconds, and the list has oneself first', { timeout: 60_000 }, async () => {
  const early = await enter('Early', { reducedMotion: true });
  const late = await enter('Late');
  await waitFor(late.page, 'both are there', (state) => animalOf(state, 'Early') !== undefined);
  await late.page.waitForFunction('/^\\d+ ms$/.test(document.querySelector("#badge-text").textContent)', { timeout: 6_000 });
  await late.page.waitForFunction('document.querySelector("#players-list li .who")?.textContent === "Late"', { timeout: DEADLINE_MS });
  await early.page.bringToFront();
  const news = await early.page.$$eval('#chat-log li[data-kind="news"]', (all) => all.map((element) => element.textContent));
  assert.ok(news.includes('Late came to the meadow'));
  assert.equal(await early.page.$('#toasts bdi'), null, 'it is told once');
  await leave(early, late);
});

test('a name that cannot be used is explained on the card', { timeout: 60_000 }, async () => {
  const { page } = await openPage(chromium.browser, server.url);
  await page.waitForSelector('#animals input');
  await page.type('#name', 'x'.repeat(30));
  await page.click('#enter');
  await page.waitForFunction('document.querySelector("#start-error").textContent.length > 10', { timeout: DEADLINE_MS });
  assert.match(await page.$eval('#start-error', (element) => element.textContent ?? ''), /name cannot be used/);
  await page.browserContext().close();
});

test('a network that goes and comes is survived, and nothing said meanwhile is lost', { timeout: 90_000 }, async () => {
  const traveller = await enter('Traveller');
  const listener = await enter('Listener', { reducedMotion: true });
  await traveller.page.bringToFront();
  await traveller.page.setOfflineMode(true);
  await traveller.page.evaluate(() => void (/** @type {any} */ (window).meadow.session.chat('from the tunnel')));
  await waitFor(traveller.page, 'the post fails', () => traveller.complaints.some((complaint) => complaint.includes('net::ERR')));
  assert.deepEqual((await look(listener.page)).chat, []);
  await traveller.page.setOfflineMode(false);
  await waitFor(traveller.page, 'it is back', ({ phase }) => phase === 'online', 30_000);
  const isHeard = (/** @type {import('./harness.js').Seen} */ { chat }) => chat.filter(({ text }) => text === 'from the tunnel').length === 1;
  await waitFor(listener.page, 'the others hear it, once', isHeard, 30_000);
  await waitFor(traveller.page, 'the author hears it, once', isHeard, 30_000);
  traveller.complaints = traveller.complaints.filter((complaint) => !complaint.includes('net::ERR'));
  await leave(traveller, listener);
});

test('a server that is killed and started again finds its players back in one meadow', { timeout: 120_000 }, async () => {
  const own = await startServer();
  const first = await enterAs(chromium.browser, own.url, { name: 'First', animal: 'deer' });
  const second = await enterAs(chromium.browser, own.url, { name: 'Second', reducedMotion: true });
  const before = await Promise.all([first, second].map(async ({ page }) => (await look(page)).player.id));
  await own.kill();
  const again = await startServer(new URL(own.url).host);
  for (const [index, { page }] of [first, second].entries()) {
    await page.bringToFront();
    await waitFor(page, 'both are there again', (state) =>
      state.phase === 'online' && state.player.id !== before[index] && animalOf(state, 'First')?.kind === 'deer' && animalOf(state, 'Second') !== undefined, 45_000);
  }
  assert.equal((await look(first.page)).code, (await look(second.page)).code);
  await second.page.bringToFront();
  await say(second.page, 'that was a long blink');
  await waitFor(first.page, 'they can talk', ({ chat }) => chat.some(({ text }) => text === 'that was a long blink'));
  for (const player of [first, second]) {
    player.complaints = player.complaints.filter((complaint) => !/net::ERR|404|410/.test(complaint));
  }
  await leave(first, second);
  await again.stop();
});
