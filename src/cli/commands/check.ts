/** `weft check`: what is wrong and what to do about it, on a machine without Weft and on one where it runs. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { environmentChecks } from '../check/environment.ts';
import { meshChecks } from '../check/mesh.ts';
import type { Check } from '../check/result.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { printedAsData } from '../output/data.ts';
import type { Style } from '../output/style.ts';

interface Group {
  readonly title: string;
  readonly checks: readonly Check[];
}

export function define(command: Command, context: () => Context): void {
  command
    .option('--pre', 'only what must hold before installation')
    .addHelpText('after', '\nExits with 1 when a check fails; warnings (‼) do not count.')
    .action((options: { pre?: boolean }) => check(context(), options.pre === true));
}

async function check(context: Context, before: boolean): Promise<void> {
  const { stateDir } = meshPlace(context.globals);
  const installed = !before && existsSync(join(stateDir, 'admin.json'));
  const groups: Group[] = [{ title: 'this machine', checks: await environmentChecks(stateDir, installed) }];
  if (installed) groups.push({ title: 'the mesh', checks: await meshChecks(stateDir) });
  const failed = groups.flatMap((group) => group.checks).filter((each) => each.state === 'failed').length;
  if (failed > 0) process.exitCode = EXIT.failure;
  if (printedAsData(context, { ok: failed === 0, groups })) return;
  const { terminal } = context;
  for (const { title, checks } of groups) {
    terminal.lines([terminal.style.bold(title), ...checks.flatMap((each) => checkLines(each, terminal.style)), '']);
  }
  if (!installed && !before) terminal.line('No control plane has run here yet: weft up starts one.');
  terminal.line(failed === 0 ? terminal.style.green('all is well') : terminal.style.red(`${failed} failed`));
}

function checkLines({ state, what, hint }: Check, style: Style): string[] {
  const mark = state === 'ok' ? style.green('✓') : state === 'warning' ? style.yellow('‼') : style.red('✗');
  return [`  ${mark} ${what}`, ...(hint === '' ? [] : [`      ${style.dim(hint)}`])];
}
