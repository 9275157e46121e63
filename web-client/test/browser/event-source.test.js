import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startCuttingProxy } from './cutting-proxy.js';
import { DEADLINE_MS, startBrowser, startServer } from './harness.js';

/**
 * The browsers' own EventSource and fetch against the real server, without our SDK: what the contract promises to anyone
 * who writes a page by hand. The page is of one origin and the API, behind a proxy that cuts, of another: so whatever
 * would cost a preflight shows up at the proxy.
 *
 * @typedef {{name: string, id: string, data: any}} Seen an event as the page saw it
 * @typedef {{token: string, id: string}} Somebody
 */

/** What the page listens for; `message` would be an event without a name. */
const NAMES = ['message', 'hello', 'joined', 'here', 'msg', 'chat', 'pong', 'reset', 'bye'];
const STREAM = '/v1/stream';

/** @type {Awaited<ReturnType<typeof startServer>>} */
let server;
/** Its streams last a second. @type {Awaited<ReturnType<typeof startServer>>} */
let rotating;

before(async () => {
  server = await startServer();
  rotating = await startServer(undefined, ['--rotate-ms', '1000']);
});

after(async () => {
  await server?.stop();
  await rotating?.stop();
});

/** @param {string} path @param {unknown} [body] @param {{url: string}} [at] */
async function post(path, body = {}, at = server) {
  const response = await fetch(at.url + path, { method: 'POST', body: JSON.stringify(body) });
  const answer = await response.json();
  assert.ok(response.ok, `${path}: ${response.status} ${JSON.stringify(answer)}`);
  return answer;
}

/** @param {string} name @param {{url: string}} [at] @returns {Promise<Somebody>} */
async function player(name, at = server) {
  const { token, player: { id } } = await post('/v1/sessions', { name }, at);
  return { token, id };
}

/** Two players in a room of their own: the page is to be the first, and this test speaks for the second. */
async function twoInARoom(at = server) {
  const [reader, writer] = [await player('Reader', at), await player('Writer', at)];
  const { room } = await post(`/v1/rooms?token=${reader.token}`, { game: 'relay', options: { flush_ms: 0 } }, at);
  await post(`/v1/rooms/${room.id}/join?token=${writer.token}`, {}, at);
  return { reader, writer };
}

/** @param {Somebody} writer @param {number} from @param {number} to */
async function say(writer, from, to, at = server) {
  for (let number = from; number <= to; number += 1) {
    await post(`/v1/send?token=${writer.token}`, { type: 'count', data: { number, text: 'ünï\n🦊' } }, at);
  }
}

/** @type {{kind: 'chromium' | 'firefox', missing: string | false}[]} */
const browsers = [
  { kind: 'chromium', missing: false },
  { kind: 'firefox', missing: process.env.FIREFOX === '' && 'there is no Firefox' },
];

// Most of the time goes by between a cut and a browser's next attempt: both may wait at once.
describe('EventSource', { concurrency: true }, () => {
  for (const { kind, missing } of browsers) describe(`in ${kind}`, { skip: missing, concurrency: false }, () => inBrowser(kind));
});

/** @param {'chromium' | 'firefox'} kind */
function inBrowser(kind) {
  /** @type {Awaited<ReturnType<typeof startBrowser>>} */
  let started;
  /** @type {import('puppeteer-core').Page} */
  let page;
  /** @type {import('./cutting-proxy.js').CuttingProxy} */
  let proxy;

  before(async () => {
    proxy = await startCuttingProxy(server.url);
    started = await startBrowser(kind);
    page = await started.browser.newPage();
  });

  after(async () => {
    await started?.stop();
    await proxy?.stop();
  });

  /** Loads the page anew, without any stream. */
  const freshPage = () => page.goto(`${server.url}/v1/time`);

  /** @param {Somebody} somebody @param {string} [options] @param {{url: string}} [at] */
  const open = ({ token }, options = '', at = proxy) => page.evaluate((url, names) => {
    /** @type {any} */
    const scope = window;
    scope.seen = [];
    scope.source = new EventSource(url);
    for (const name of names) {
      scope.source.addEventListener(name, (/** @type {MessageEvent} */ { data, lastEventId }) => {
        scope.seen.push({ name, id: lastEventId, data: JSON.parse(data) });
      });
    }
  }, `${at.url}${STREAM}?token=${token}${options}`, NAMES);

  /** @returns {Promise<{seen: Seen[], state: number}>} */
  const look = () => page.evaluate(() => {
    const { seen, source } = /** @type {any} */ (window);
    return { seen, state: source.readyState };
  });

  /** @param {string} what @param {(seen: Seen[], state: number) => boolean} condition @returns {Promise<Seen[]>} */
  async function until(what, condition) {
    const deadline_ms = Date.now() + DEADLINE_MS;
    for (;;) {
      const { seen, state } = await look();
      if (condition(seen, state)) return seen;
      assert.ok(Date.now() < deadline_ms, `it did not happen that ${what}; state ${state}, seen: ${JSON.stringify(seen)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** @param {Seen[]} seen @param {string} name */
  const count = (seen, name) => seen.filter((event) => event.name === name).length;
  /** @param {Seen[]} seen */
  const numbers = (seen) => seen.filter(({ name }) => name === 'msg').map(({ data }) => data.data.number);
  /** @param {number} last */
  const upTo = (last) => Array.from({ length: last }, (_, index) => index + 1);

  test('events come by name, with rising ids and with their text unharmed', { timeout: 60_000 }, async () => {
    await freshPage();
    const { reader, writer } = await twoInARoom();
    await open(reader);
    await until('it is in the room', (seen) => count(seen, 'here') === 1);
    await say(writer, 1, 2);
    await post(`/v1/send?token=${writer.token}`, { type: 'chat', data: { scope: 'room', text: 'Zoë 🦊' } });
    const seen = await until('the chat line came', (events) => count(events, 'chat') === 1);

    assert.deepEqual(seen.map(({ name }) => name), ['hello', 'joined', 'here', 'msg', 'msg', 'chat']);
    assert.equal(seen[0]?.data.player.id, reader.id);
    assert.equal(seen[0]?.id, '', 'hello has no id');
    assert.deepEqual(seen[3]?.data, { from: 2, type: 'count', data: { number: 1, text: 'ünï\n🦊' } });
    const { from, scope, text } = seen.at(-1)?.data ?? {};
    assert.deepEqual({ from, scope, text }, { from: 2, scope: 'room', text: 'Zoë 🦊' });
    const ids = seen.slice(1).map(({ id }) => id.split('.'));
    assert.ok(ids.every(([epoch]) => epoch === seen[0]?.data.epoch), JSON.stringify(ids));
    const sequence = ids.map(([, seq]) => Number(seq));
    assert.deepEqual(sequence, sequence.toSorted((a, b) => a - b));
    assert.equal(new Set(sequence).size, sequence.length);
  });

  test('cut in the middle of an event it comes back by itself and nothing is lost or doubled', { timeout: 60_000 }, async () => {
    await freshPage();
    const { reader, writer } = await twoInARoom();
    await open(reader);
    await until('it is in the room', (seen) => count(seen, 'here') === 1);
    const before = proxy.heads.length;
    let said = 0;
    // An event is about 100 bytes: the cuts are at its start, within it, and near its end.
    for (const bytes of [0, 130, 290]) {
      await say(writer, said + 1, said + 3);
      await until('these came', (seen) => numbers(seen).at(-1) === said + 3);
      const last = (await look()).seen.at(-1)?.id;
      const back = proxy.nextHead(STREAM);
      const cut = proxy.cutAfter(STREAM, bytes);
      await say(writer, said + 4, said + 10);
      await cut;
      const named = /^last-event-id: (\S+)$/im.exec(await back)?.[1];
      assert.ok(named !== undefined && last !== undefined);
      assert.ok(Number(named.split('.')[1]) >= Number(last.split('.')[1]), `${named} is not behind ${last}`);
      said += 10;
      await until('all came', (seen) => numbers(seen).at(-1) === said);
    }
    const { seen } = await look();
    assert.deepEqual(numbers(seen), upTo(said));
    const hellos = seen.filter(({ name }) => name === 'hello').map(({ data }) => data.resumed);
    assert.deepEqual(hellos, [false, true, true, true]);
    assert.equal(count(seen, 'joined'), 1, 'a resumed stream needs no snapshot');
    const preflights = proxy.heads.slice(before).filter((head) => head.startsWith('OPTIONS'));
    assert.deepEqual(preflights, [], 'Last-Event-ID costs no preflight');
  });

  test('?last= resumes a stream that this page has never seen', { timeout: 60_000 }, async () => {
    await freshPage();
    const { reader, writer } = await twoInARoom();
    await open(reader);
    await say(writer, 1, 5);
    const seen = await until('five came', (events) => numbers(events).length === 5);
    const third = seen.find(({ data }) => data.data?.number === 3)?.id;
    assert.ok(third);

    await freshPage();
    await say(writer, 6, 7);
    await open(reader, `&last=${third}`);
    const resumed = await until('the rest came', (events) => numbers(events).length >= 4);
    assert.deepEqual(numbers(resumed), [4, 5, 6, 7]);
    assert.deepEqual(resumed.map(({ name }) => name).slice(0, 2), ['hello', 'msg']);
    assert.equal(resumed[0]?.data.resumed, true);

    // Its own header is newer than the URL, which it keeps.
    const back = proxy.nextHead(STREAM);
    await proxy.cutAfter(STREAM, 0);
    await back;
    await say(writer, 8, 8);
    assert.deepEqual(numbers(await until('it is back', (events) => numbers(events).includes(8))), [4, 5, 6, 7, 8]);
  });

  test('through rotations nothing is lost or doubled', { timeout: 60_000 }, async () => {
    await freshPage();
    const { reader, writer } = await twoInARoom(rotating);
    await open(reader, '', rotating);
    let said = 0;
    const deadline_ms = Date.now() + DEADLINE_MS;
    while (count((await look()).seen, 'bye') < 3) {
      assert.ok(Date.now() < deadline_ms, JSON.stringify(await look()));
      await say(writer, said + 1, said + 5, rotating);
      said += 5;
      // Few enough a second for the server's limit.
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const seen = await until('all came', (events) => numbers(events).at(-1) === said);
    assert.deepEqual(numbers(seen), upTo(said));
    assert.ok(seen.every(({ name, data }) => name !== 'bye' || data.code === 3000));
    assert.equal(count(seen, 'joined'), 1);
    await page.evaluate(() => /** @type {any} */ (window).source.close());
  });

  test('after bye it is answered 204 and stops for good', { timeout: 60_000 }, async () => {
    await freshPage();
    const somebody = await player('Leaver');
    await open(somebody);
    await until('it is open', (seen) => count(seen, 'hello') === 1);
    const back = proxy.nextHead(STREAM);
    await post(`/v1/bye?token=${somebody.token}`);
    const seen = await until('it is told', (events) => count(events, 'bye') === 1);
    assert.equal(seen.at(-1)?.data.code, 3501);
    assert.ok((await back).includes(somebody.token), 'it comes back, as EventSources do');
    await until('it stopped', (_, state) => state === 2);
  });

  test('an unknown token is told so in the stream', { timeout: 60_000 }, async () => {
    await freshPage();
    const { token } = await player('Nobody');
    const unknown = token.slice(0, -4) + (token.endsWith('0000') ? '1111' : '0000');
    await open({ token: unknown, id: '' });
    const seen = await until('it is told', (events) => count(events, 'bye') > 0);
    assert.equal(seen[0]?.name, 'bye');
    assert.equal(seen[0]?.data.code, 3503);
    assert.equal(seen[0]?.data.reason, 'session_unknown');
    assert.ok(seen[0]?.data.retry_ms >= 1_000, 'whoever does not close it comes back slowly');
    const { state } = await look();
    assert.notEqual(state, 2, 'a page can make a new session: nothing failed');
    await page.evaluate(() => /** @type {any} */ (window).source.close());
  });

  test('fetch posts text/plain to another origin without a preflight', { timeout: 60_000 }, async () => {
    await freshPage();
    const reader = await player('Reader');
    await open(reader);
    await until('it is open', (seen) => count(seen, 'hello') === 1);
    /** @param {Record<string, string>} headers @param {string} query */
    const send = (headers, query) => page.evaluate(async (url, sent) => {
      const response = await fetch(url, { method: 'POST', headers: sent, body: JSON.stringify({ type: 'sward.ping', data: 'p' }) });
      return { status: response.status, answer: await response.json() };
    }, `${proxy.url}/v1/send${query}`, headers);

    let before = proxy.heads.length;
    assert.equal((await send({ 'Content-Type': 'text/plain' }, `?token=${reader.token}`)).status, 200);
    await until('the answer came on the stream', (seen) => count(seen, 'pong') === 1);
    assert.deepEqual(proxy.heads.slice(before).map((head) => head.split(' ')[0]), ['POST']);

    // The same with a header of its own is preflighted: the check above can see one. Then it works, too.
    before = proxy.heads.length;
    assert.equal((await send({ Authorization: `Bearer ${reader.token}` }, '')).status, 200);
    assert.deepEqual(proxy.heads.slice(before).map((head) => head.split(' ')[0]), ['OPTIONS', 'POST']);
  });
}
