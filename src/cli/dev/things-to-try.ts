/** Three things to try while traffic flows, each as the command line that works in another terminal as it stands. */
import { relative, resolve } from 'node:path';
import type { Style } from '../output/style.ts';
import type { DevMesh } from './dev-mesh.ts';

export interface TryOptions {
  /** How the program is called from the directory of the other terminal. */
  readonly program: string;
  /** Where another terminal finds the mesh by itself; null: it must be told. */
  readonly found: boolean;
  readonly directory: string;
  /** Files of the project's resources, relative to it. */
  readonly resources: readonly string[];
}

interface Thing {
  readonly what: string;
  readonly commands: readonly string[];
  readonly effect: string;
}

export function thingsToTry(mesh: DevMesh, options: TryOptions): Thing[] {
  const program = options.found
    ? options.program
    : `${options.program} --state-dir ${mesh.stateDir} -n ${mesh.namespace}`;
  const file = options.resources[0];
  const shift: Thing = {
    what: 'shift traffic',
    commands:
      file === undefined
        ? [`${program} get services`]
        : [
            `edit ${nearPath(resolve(options.directory, file))}`,
            `${program} apply -f ${nearPath(resolve(options.directory, file))}`,
          ],
    effect:
      file === undefined
        ? 'write an HTTPRoute for one of them and apply it'
        : 'change the weights; every sidecar has them within milliseconds',
  };
  const victim = mesh.workloads.findLast(
    (each) =>
      each.plan.ports.length > 0 &&
      each.plan.definition.expectFailures !== true &&
      each.plan.ports[0]?.protocol !== 'tcp',
  );
  const kill: Thing = {
    what: 'kill a workload',
    commands: victim === undefined ? [] : [`kill ${victim.pid ?? ''}`.trim()],
    effect: `${victim?.plan.name ?? 'it'} leaves the mesh in order and is started again`,
  };
  const gone = mesh.controlPlane.gone() !== null;
  const stop: Thing = {
    what: 'stop the control plane',
    commands: [gone ? `${program} up` : `kill -9 ${mesh.controlPlane.pid}`, ...(gone ? [] : [`${program} up`])],
    effect: gone
      ? 'brings it back: the sidecars find it by themselves'
      : 'traffic goes on without it; the second command brings it back',
  };
  return [shift, kill, stop].filter((thing) => thing.commands.length > 0);
}

export function thingLines(things: readonly Thing[], style: Style): string[] {
  return things.flatMap(({ what, commands, effect }, index) => [
    `  ${index + 1}. ${style.bold(what)}  ${style.dim(effect)}`,
    ...commands.map((command) => `       ${style.cyan(command)}`),
  ]);
}

function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.startsWith('..') ? path : near;
}
