/**
 * `npm test`: the static checks first, because they are quick and their failures explain the others', then every test
 * by node:test, whose summary comes last. Arguments that name test files run those alone; `--static` runs the checks alone.
 * A file that hangs costs minutes (`--file-limit-s`), and all of it has an end (`--limit-s`).
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runBounded } from './tests/bounded-child.ts';
import { endOverdueFiles } from './tests/overdue-files.ts';

const root = resolve(import.meta.dirname, '..');

const CHECKS: readonly { readonly name: string; readonly command: string; readonly args: readonly string[] }[] = [
  { name: 'format', command: 'biome', args: ['format', '.'] },
  { name: 'types', command: 'tsc', args: ['--noEmit'] },
  { name: 'lint', command: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'dead code', command: 'knip', args: ['--no-progress'] },
];

/** Four times what the longest file takes on a busy machine. */
const FILE_LIMIT_S = 480;
/** Three times what all of them take there. */
const LIMIT_S = 2_400;

const args = process.argv.slice(2);
const named = args.filter((argument) => !argument.startsWith('--'));
if (named.length === 0 && !(await staticChecks())) process.exit(1);
if (!args.includes('--static')) process.exit(await runTests(named));

async function staticChecks(): Promise<boolean> {
  let passed = true;
  const waiting = [...CHECKS];
  const worker = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
      const startedAt = performance.now();
      const { code, output } = await run(check.command, check.args);
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
      console.log(`${code === 0 ? '✔' : '✖'} ${check.name} (${seconds} s)`);
      if (code === 0) continue;
      passed = false;
      console.log(output);
      console.log(
        `  to see it again: npx ${check.command} ${check.args.join(' ')}; what can be mended by itself: npm run fix`,
      );
    }
  };
  await Promise.all([worker(), worker()]);
  return passed;
}

function run(command: string, commandArgs: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((done) => {
    const child = spawn(resolve(root, 'node_modules/.bin', command), commandArgs, { cwd: root });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    child.on('error', (error) => done({ code: 1, output: error.message }));
    child.on('close', (code) => done({ code: code ?? 1, output }));
  });
}

function runTests(wanted: readonly string[]): Promise<number> {
  const files =
    wanted.length > 0
      ? wanted
      : globSync(['src/**/*.test.ts', 'test/**/*.test.ts', 'bench/**/*.test.ts'], { cwd: root }).toSorted();
  const watchdog = pathToFileURL(resolve(import.meta.dirname, 'tests/watchdog.ts'));
  const fileLimitS = seconds('--file-limit-s', FILE_LIMIT_S);
  watchdog.searchParams.set('limitMs', String(1000 * fileLimitS));
  const limitS = seconds('--limit-s', LIMIT_S);
  const options = [
    '--test',
    `--import=${watchdog.href}`,
    `--test-concurrency=${availableParallelism()}`,
    '--test-timeout=300000',
    '--test-reporter=spec',
  ];
  return runBounded(process.execPath, [...options, ...files], {
    cwd: root,
    limitMs: 1000 * limitS,
    onStart: (pid) =>
      endOverdueFiles(pid, 1000 * fileLimitS, (file) =>
        console.error(
          `✖ ${file} has not ended after ${fileLimitS} s and cannot say why (blocked, or stuck in its exit)`,
        ),
      ),
    onLimit: () => console.error(`✖ the tests are not done after ${limitS} s: they and what they started are ended`),
  });
}

function seconds(option: string, otherwise: number): number {
  const text = args.find((argument) => argument.startsWith(`${option}=`))?.slice(option.length + 1);
  const value = Number(text ?? otherwise);
  if (value > 0) return value;
  console.error(`${option} wants seconds above 0, not ${text}`);
  process.exit(1);
}
