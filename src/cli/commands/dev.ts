/** `weft dev`: a project as a mesh, for laptops and demos; with `--for` it measures, reports and ends. */
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import type { Command } from 'commander';
import { messageOf, WeftError } from '../../core/errors.ts';
import { parseDuration } from '../../core/durations.ts';
import type { Context } from '../context.ts';
import { DevMesh } from '../dev/dev-mesh.ts';
import { Lines } from '../dev/lines.ts';
import { measure } from '../dev/measure.ts';
import { loadProject, type Project } from '../dev/project-file.ts';
import { thingLines, thingsToTry, type TryOptions } from '../dev/things-to-try.ts';
import { watchMesh } from '../dev/watch-mesh.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { writeDevPointer } from '../mesh/dev-pointer.ts';
import { refusal } from '../mesh/violations.ts';
import { jsonText, outputFormat } from '../output/data.ts';
import { programName } from '../program-name.ts';
import { untilSignal } from '../until-signal.ts';
import { reportLines } from '../dev/report-lines.ts';

const READY_MS = 60_000;

interface DevFlags {
  readonly for?: string;
  readonly json?: boolean;
}

export function define(command: Command, context: () => Context): void {
  command
    .argument('[dir]', 'where weft.yaml is', '.')
    .option('--for <duration>', 'measure this long once all is ready, report, and end')
    .option('--json', 'the report as JSON (with --for)')
    .addHelpText(
      'after',
      '\nOther terminals: commands in the directory where `weft dev` was started, or below, speak to its mesh by themselves.',
    )
    .action(async (dir: string, flags: DevFlags) => {
      process.exitCode = await dev(context(), resolve(dir), flags);
    });
}

async function dev(context: Context, directory: string, flags: DevFlags): Promise<number> {
  const forMs = flags.for === undefined ? null : parseDuration(flags.for);
  if (flags.for !== undefined && (forMs === null || forMs < 1000)) {
    throw new UsageError(`--for ${flags.for} is no duration of 1s or more`, 'For example: --for 10s');
  }
  const json = flags.json === true || outputFormat(context, ['table', 'json']) === 'json';
  if (json && forMs === null) throw new UsageError('--json needs --for', 'For example: weft dev --for 10s --json');
  if (context.globals.namespace !== undefined)
    throw new UsageError('the namespace of a project is in its weft.yaml', 'Leave -n out');
  const { project, violations } = loadProject(directory);
  if (project === null) throw refusal(context.terminal, violations);
  const live = forMs === null && context.terminal.isTerminal && isatty(0);
  const names = Object.keys(project.services);
  const width = Math.max(
    4,
    ...names.map((name) => name.length + ((project.services[name]?.replicas ?? 1) > 1 ? 3 : 0)),
  );
  const lines = new Lines(context.terminal, live ? 'kept' : json ? 'stderr' : 'stdout', width);
  const stop = untilSignal();
  const stateDir = context.globals.stateDir === undefined ? null : resolve(context.globals.stateDir);
  if (!json) context.terminal.line(`starting a control plane and ${names.length} services …`);
  const refuse = (found: readonly Parameters<typeof refusal>[1][number][]) => refusal(context.terminal, found);
  const mesh = await DevMesh.start({ directory, project, stateDir, say: lines.say, refuse });
  const forget = writeDevPointer(process.cwd(), {
    pid: process.pid,
    stateDir: mesh.stateDir,
    namespace: mesh.namespace,
  });
  const end = async () => {
    forget?.();
    if (!(await mesh.stop())) {
      context.terminal.errorLine(`The control plane that you started goes on, with its state in ${mesh.stateDir}`);
    }
  };
  try {
    const hints = () => tryLines(context, mesh, project, { directory, found: forget !== null });
    if (live) return await watchMesh({ context, mesh, lines, stop, hints });
    const notReady = await mesh.waitUntilReady(READY_MS, stop);
    if (stop.aborted) return EXIT.ok;
    if (forMs === null) {
      if (notReady.length > 0) context.terminal.errorLine(`not ready: ${notReady.join(', ')}`);
      context.terminal.lines([
        `${mesh.workloads.length - notReady.length} workloads are ready. Three things to try, in another terminal:`,
        ...hints(),
      ]);
      return await watchMesh({ context, mesh, lines, stop, hints: null });
    }
    const report = await measure({ mesh, project, forMs, notReady, stop });
    if (json) context.terminal.line(jsonText(report));
    else context.terminal.lines(reportLines(report, context.terminal.style, mesh.namespace));
    return report.ok ? EXIT.ok : EXIT.failure;
  } catch (error) {
    throw error instanceof WeftError ? error : new Error(messageOf(error), { cause: error });
  } finally {
    await end();
  }
}

function tryLines(
  context: Context,
  mesh: DevMesh,
  project: Project,
  { directory, found }: Pick<TryOptions, 'directory' | 'found'>,
): string[] {
  const things = thingsToTry(mesh, { program: programName(), found, directory, resources: project.resources ?? [] });
  return thingLines(things, context.terminal.style);
}
