import assert from 'node:assert/strict';
import test from 'node:test';
import { SwardError } from '../sdk/errors.js';
import { RETRY_WITHIN_MS, retrying } from '../sdk/retry.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Counts the tries of a request that fails, while virtual time goes by.
 *
 * @param {import('node:test').TestContext} t
 * @param {SwardError} error
 * @param {() => boolean} [wanted]
 */
async function triesOf(t, error, wanted = () => true) {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let tries = 0;
  let over = false;
  const outcome = retrying(async () => {
    tries += 1;
    throw error;
  }, wanted).catch((thrown) => {
    over = true;
    return thrown;
  });
  for (let ms = 0; !over && ms <= 2 * RETRY_WITHIN_MS; ms += 50) {
    await turn();
    t.mock.timers.tick(50);
  }
  assert.equal(await outcome, error);
  const took_ms = Date.now();
  t.mock.timers.reset();
  return { tries, took_ms };
}

test('a request that nobody answers is given up in time', async (t) => {
  const { tries, took_ms } = await triesOf(t, new SwardError('network', ''));
  assert.ok(tries >= 3, `${tries} tries`);
  assert.ok(took_ms <= RETRY_WITHIN_MS + 50, `${took_ms} ms`);
});

test('a request waits as long as the server asks', async (t) => {
  const { tries } = await triesOf(t, new SwardError('room_busy', '', { status: 429, retry_after_ms: 4_900 }));
  assert.equal(tries, 5);
});

test('a wait that nobody would live to see is not begun', async (t) => {
  const { tries, took_ms } = await triesOf(t, new SwardError('room_busy', '', { status: 429, retry_after_ms: 60_000 }));
  assert.equal(tries, 1);
  assert.ok(took_ms <= 50, `${took_ms} ms`);
});

test('what waiting does not cure is not tried again', async (t) => {
  for (const error of [new SwardError('room_full', '', { status: 409 }), new SwardError('server_full', '', { status: 503 }), new SwardError('session_gone', '', { status: 410 })]) {
    assert.equal((await triesOf(t, error)).tries, 1, error.code);
  }
});

test('what nobody wants any more is not tried again', async (t) => {
  assert.equal((await triesOf(t, new SwardError('network', ''), () => false)).tries, 1);
});
