/** Tables and what stands in them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip, printable, styleFor, visibleWidth } from './style.ts';
import { ageText, fittedLines, tableLines } from './table.ts';

test('columns are aligned by what is seen, not by bytes, and lines end without blanks', () => {
  const { green } = styleFor(true, {});
  const lines = tableLines(
    [{ title: 'NAME' }, { title: 'RPS', right: true }, { title: 'STATE' }],
    [
      ['web', '1.0', green('ok')],
      ['catalog-v1', '120.5', ''],
    ],
  );
  assert.deepEqual(lines, ['NAME           RPS   STATE', `web            1.0   ${green('ok')}`, 'catalog-v1   120.5']);
});

test('an empty table has no head', () => {
  assert.deepEqual(tableLines([{ title: 'NAME' }], []), []);
});

test('a table that is wider than the screen becomes a block a row, without cells that say nothing', () => {
  const columns = [{ title: 'NAME' }, { title: 'TLS' }, { title: 'TO' }];
  const rows = [
    ['inbound|8080', 'mTLS', 'the application'],
    ['outbound|80', '', 'catalog'],
  ];
  assert.deepEqual(fittedLines(columns, rows, 40), tableLines(columns, rows));
  assert.deepEqual(fittedLines(columns, rows, null), tableLines(columns, rows));
  const narrow = ['inbound|8080', '  tls  mTLS', '  to   the application', 'outbound|80', '  to   catalog'];
  assert.deepEqual(fittedLines(columns, rows, 30), narrow);
});

test('ages are short', () => {
  assert.deepEqual([0, 119_000, 600_000, 7_200_000, 400_000_000].map(ageText), ['0s', '119s', '10m', '2h', '4d']);
});

test('colours come on a terminal only, and NO_COLOR takes them away', () => {
  assert.equal(styleFor(true, {}).red('x'), '\x1b[31mx\x1b[39m');
  assert.equal(styleFor(true, { NO_COLOR: '1' }).red('x'), 'x');
  assert.equal(styleFor(true, { TERM: 'dumb' }).red('x'), 'x');
  assert.equal(styleFor(false, {}).red('x'), 'x');
  assert.equal(styleFor(false, { FORCE_COLOR: '1' }).colored, true);
});

test('a clipped line is as wide as the screen and keeps its colours closed', () => {
  const { red } = styleFor(true, {});
  const line = clip(`${red('abcdef')}ghij`, 5);
  assert.equal(visibleWidth(line), 5);
  assert.equal(line, '\x1b[31mabcd\x1b[39m…');
  assert.equal(clip('abc', 3), 'abc');
});

test('what others wrote cannot steer the terminal', () => {
  assert.equal(printable('a\x1b[2Jb\x07c\rd\te'), 'abcd\te');
});
