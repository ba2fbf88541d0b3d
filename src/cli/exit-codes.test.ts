/** Exit codes, the version and the program's own help hang together. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ERROR_CODES, type ErrorCode, WeftError } from '../core/errors.ts';
import { COMMANDS } from './command-table.ts';
import { EXIT, EXIT_CODES, exitCodeOf, UsageError } from './exit-codes.ts';
import { styleFor } from './output/style.ts';
import type { Terminal } from './output/terminal.ts';
import { buildProgram } from './program.ts';
import { VERSION } from './version.ts';

test('every error has a documented exit code, and every code but three is some error’s', () => {
  const documented = EXIT_CODES.map((each) => each.code);
  assert.deepEqual(documented, Object.values(EXIT));
  const codes = Object.keys(ERROR_CODES) as ErrorCode[];
  const used = new Set(codes.map((code) => exitCodeOf(new WeftError(code, { what: 'x' }))));
  assert.deepEqual(
    documented.filter((code) => !used.has(code)),
    [EXIT.ok, EXIT.usage, EXIT.different],
  );
  assert.equal(exitCodeOf(new UsageError('x', '')), EXIT.usage);
  assert.equal(exitCodeOf(new Error('a bug')), EXIT.failure);
});

test('the version is the package’s', () => {
  const file = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  assert.equal((JSON.parse(file) as { version: string }).version, VERSION);
});

test('every command loads, and no two options of it and the program have one name', async () => {
  const terminal: Terminal = {
    isTerminal: false,
    columns: 80,
    rows: 24,
    style: styleFor(false, {}),
    errorStyle: styleFor(false, {}),
    line() {},
    lines() {},
    errorLine() {},
    write() {},
  };
  const program = await buildProgram(terminal, COMMANDS, null, () => {});
  for (const { name } of COMMANDS) {
    const command = program.commands.find((each) => each.name() === name);
    assert.ok(command, name);
    const flags = [...program.options, ...command.options].flatMap((each) => [each.short, each.long]).filter(Boolean);
    assert.equal(new Set(flags).size, flags.length, `${name}: ${flags.join(' ')}`);
  }
});
