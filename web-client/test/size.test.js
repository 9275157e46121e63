import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import test from 'node:test';
import { gzipSync } from 'node:zlib';

/** What a page downloads to use the SDK. */
const GZIP_BYTES_MAX = 14 * 1024;

/** @param {string} source */
const withoutComments = (source) => source.replace(/\/\*\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');

test('the SDK stays within 14 KiB gzipped, comments aside', () => {
  const folder = new URL('../sdk/', import.meta.url);
  const names = readdirSync(folder).filter((name) => name.endsWith('.js'));
  const sources = names.map((name) => withoutComments(readFileSync(new URL(name, folder), 'utf8')));
  const bytes = gzipSync(sources.join('\n')).length;
  assert.ok(bytes <= GZIP_BYTES_MAX, `${bytes} bytes`);
});
