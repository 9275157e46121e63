import assert from 'node:assert/strict';
import test from 'node:test';
import { fitText, textDirection, wrapText } from '../meadow/text.js';

/** One unit for each grapheme, which is all that the breaking needs to know. @param {string} text */
const measure = (text) => [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text)].length;

test('the first letter with a direction decides', () => {
  for (const text of ['Zoë 🦊', 'ธนวัฒน์', '123', '', '🦊', 'abc سارة']) assert.equal(textDirection(text), 'ltr', text);
  for (const text of ['سارة', 'שלום!', '🦊 سارة abc', '12 سارة']) assert.equal(textDirection(text), 'rtl', text);
});

test('a name that is too long ends in an ellipsis and never within a grapheme', () => {
  assert.equal(fitText('Zoë', 3, measure), 'Zoë');
  assert.equal(fitText('👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 2, measure), '👩‍👩‍👧‍👦…');
  assert.equal(fitText('e\u0301e\u0301e\u0301', 2, measure), 'e\u0301…');
});

test('lines break between words, and within a word only when it fills a line', () => {
  assert.deepEqual(wrapText('one two three', 7, 4, measure), ['one two', 'three']);
  assert.deepEqual(wrapText('abcdefghij', 4, 4, measure), ['abcd', 'efgh', 'ij']);
  assert.deepEqual(wrapText('  spaces   between  ', 20, 4, measure), ['spaces   between']);
  assert.deepEqual(wrapText('', 5, 4, measure), []);
});

test('a script without spaces breaks too', () => {
  const lines = wrapText('สวัสดีตอนเช้าทุกคน', 8, 9, measure);
  assert.ok(lines.length > 1);
  assert.equal(lines.join(''), 'สวัสดีตอนเช้าทุกคน');
  for (const line of lines) assert.ok(measure(line) <= 8);
});

test('what does not fit is cut after the last line', () => {
  const lines = wrapText('a b c d e f g h i j', 3, 2, measure);
  assert.deepEqual(lines, ['a b', 'c…']);
});
