import assert from 'node:assert/strict';
import test from 'node:test';
import { blobUrl } from '../sdk/blobs.js';
import { Server, turn } from './fake-server.js';

test('a blob’s URL names its room, its bytes and who asks', async () => {
  const server = new Server();
  const session = await server.connect();
  await turn();
  const map = { name: 'map', etag: '0f1e', size_bytes: 3, type: 'image/png' };
  assert.equal(blobUrl(session, map), null, 'outside of a room');
  /** @type {unknown[]} */
  const heard = [];
  session.on('joined', ({ blobs }) => heard.push(blobs));
  session.on('blob', (blob) => heard.push(blob));
  const joining = session.join({ code: 'KXQZ' });
  await turn();
  server.joined();
  await joining;
  server.emit('blob', map);
  server.emit('blob', { name: 'map', etag: null });
  assert.deepEqual(heard, [[], map, { name: 'map', etag: null }]);
  const url = new URL(blobUrl(session, map) ?? '');
  assert.equal(url.pathname, '/v1/rooms/r1/blobs/map');
  assert.deepEqual(Object.fromEntries(url.searchParams), { token: 't1', etag: '0f1e' });
  assert.equal(blobUrl(session, { name: 'map', etag: null }), null, 'it is gone');
  session.close();
});
