import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Owner } from '../sdk/owner.js';

test('each order is the message that the protocol names', async () => {
  /** @type {unknown[]} */
  const asked = [];
  const owner = new Owner({
    request: async (type, data) => {
      asked.push([type, JSON.parse(JSON.stringify(data))]);
      return null;
    },
  });
  await owner.lock();
  await owner.unlock();
  await owner.rename('Nest');
  await owner.resize(4);
  await owner.setMeta({ map: 'dale' });
  await owner.kick(2);
  await owner.ban(3, 'rude');
  await owner.unban('00000000-0000-8000-8000-000000000007');
  await owner.give(2);
  await owner.start();
  await owner.over();
  assert.deepEqual(asked, [
    ['sward.lock', null],
    ['sward.unlock', null],
    ['sward.rename', { name: 'Nest' }],
    ['sward.resize', { max_players: 4 }],
    ['sward.meta', { meta: { map: 'dale' } }],
    ['sward.kick', { seat: 2 }],
    ['sward.ban', { seat: 3, detail: 'rude' }],
    ['sward.unban', { id: '00000000-0000-8000-8000-000000000007' }],
    ['sward.give', { seat: 2 }],
    ['sward.start', null],
    ['sward.over', null],
  ]);
});

test('what the room refuses rejects', async () => {
  const refusal = new Error('not_owner');
  const owner = new Owner({ request: () => Promise.reject(refusal) });
  await assert.rejects(owner.lock(), refusal);
});
