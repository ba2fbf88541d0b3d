/** The bash script is run by bash; the others are checked for what they must name. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { type CompletedCommand, completionScript } from './completion-script.ts';

const COMMANDS: readonly CompletedCommand[] = [
  { name: 'get', summary: "list what's there", options: ['--watch', '--output'], words: ['services', 'workloads'] },
  { name: 'token', summary: 'tokens: make them', options: ['--output'], words: ['create', 'list'] },
];

/** What bash would offer for the last of these words. */
function offered(...words: string[]): string {
  const script = `${completionScript('bash', COMMANDS)}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weft; echo "\${COMPREPLY[*]}"`;
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', ...words], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

test('bash completes commands, kinds, subcommands, options and formats', (t) => {
  if (spawnSync('bash', ['--version']).error !== undefined) return t.skip('bash is not installed');
  assert.equal(offered('weft', 'g'), 'get');
  assert.equal(offered('weft', 'get', 'se'), 'services');
  assert.equal(offered('weft', '-n', 'shop', 'token', 'c'), 'create');
  assert.equal(offered('weft', 'get', '--w'), '--watch');
  assert.equal(offered('weft', 'get', 'services', '-o', 'ya'), 'yaml');
  assert.equal(offered('weft', 'get', '--', 'x'), '');
});

test('zsh and fish name every command, with quotes where its summary needs them', () => {
  assert.match(completionScript('zsh', COMMANDS), /'get:list what'\\''s there'/);
  assert.match(completionScript('zsh', COMMANDS), /token\) compadd -- create list --output/);
  assert.match(completionScript('fish', COMMANDS), /-f -a get -d 'list what'\\''s there'/);
});
