import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

/** What a page downloads to use the SDK. */
const GZIP_BYTES_MAX = 14 * 1024;

/** @param {string} source */
const withoutComments = (source) => source.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

/**
 * A module's source and those of all that it imports.
 *
 * @param {URL} module
 * @param {Map<string, string>} [sources] by address
 */
function withImports(module, sources = new Map()) {
  if (sources.has(module.href)) return sources;
  const source = withoutComments(readFileSync(module, 'utf8'));
  sources.set(module.href, source);
  for (const [, path] of source.matchAll(/\bfrom '(\.[^']+)'/g)) withImports(new URL(path ?? '', module), sources);
  return sources;
}

test('the SDK stays within 14 KiB gzipped, comments aside', () => {
  const sources = withImports(new URL('../sdk/index.js', import.meta.url));
  const names = [...sources.keys()].map((href) => href.split('/').at(-1));
  assert.ok(names.includes('machine.js') && names.includes('upstream-queue.js'), names.join());
  for (const optional of ['lobby.js', 'msgpack.js', 'frames.js', 'owner.js', 'blobs.js', 'world-view.js']) assert.ok(!names.includes(optional), `${optional} is loaded by nobody who does not ask`);
  const bytes = gzipSync([...sources.values()].join('\n')).length;
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes`);
});
