/**
 * Preloaded into the process of every test file: one that is still there after its limit (a hook that waits for ever, a
 * socket that nobody closed) says what holds it and fails, in minutes, in place of the whole run. `--test-timeout` bounds
 * single tests only, and `--test-force-exit` would hide such leaks, of the product's too, in the files that pass.
 */
import { writeSync } from 'node:fs';
import { argv, env, report } from 'node:process';
import { isMainThread } from 'node:worker_threads';

/** In the query of this module's URL. */
const limitMs = Number(new URL(import.meta.url).searchParams.get('limitMs'));
const MAX_LISTED = 40;

interface Handle {
  readonly type: string;
  readonly is_active: boolean;
  readonly is_referenced: boolean;
}

// node:test preloads into the runner too, which is there for all files.
if (isMainThread && env['NODE_TEST_CONTEXT'] !== undefined && limitMs > 0) {
  // Without a reference: what keeps the process is to be found, not added to.
  setTimeout(giveUp, limitMs).unref();
}

function giveUp(): void {
  const lines = [
    `✖ ${argv[1]} has not ended after ${limitMs / 1000} s. What keeps its process:`,
    `  ${process.getActiveResourcesInfo().join(', ') || 'nothing that Node knows of'}`,
    ...handles().map((handle) => `  ${handle}`),
  ];
  // At once: a stream would lose what it has not written at the exit.
  writeSync(2, `${lines.join('\n')}\n`);
  process.exit(1);
}

/** Of libuv, with the ends of each socket. */
function handles(): string[] {
  // Names of hosts are asked of the resolver, one after the other.
  Object.assign(report, { excludeNetwork: true });
  const { libuv } = report.getReport() as { readonly libuv: readonly Handle[] };
  const held = libuv.filter((handle) => handle.is_active && handle.is_referenced);
  const said = held
    .slice(0, MAX_LISTED)
    .map(
      ({ type, ...facts }) => `${type} ${JSON.stringify({ ...facts, is_active: undefined, is_referenced: undefined })}`,
    );
  return held.length > MAX_LISTED ? [...said, `and ${held.length - MAX_LISTED} more`] : said;
}
