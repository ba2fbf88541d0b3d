/** `weft bootstrap`: the file with which a data plane that is not ours finds the agent of its workload. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { bootstrapPath } from '../../agent/envoy/start-envoy.ts';
import { relayPlace } from '../../agent/relay/relay-place.ts';
import { WeftError } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { labelName } from '../run/name-flags.ts';

export function define(command: Command, context: () => Context): void {
  command
    .command('envoy <workload>')
    .description('bootstrap of Envoy, for a workload that runs with --proxy envoy')
    .addHelpText(
      'after',
      '\nExample, of an Envoy that is started by hand:\n' +
        '  weft run --proxy envoy --external-envoy --service web --name web-1 --port 8080 -- node web.js\n' +
        '  weft bootstrap envoy web-1 > envoy.json && envoy -c envoy.json',
    )
    .action((workload: string) => envoy(context(), workload));
}

function envoy(context: Context, name: string): void {
  const place = meshPlace(context.globals);
  const namespace = labelName('--namespace', place.namespace);
  const path = bootstrapPath(relayPlace(place.stateDir, namespace, labelName('the workload', name)));
  context.terminal.write(readBootstrap(path, `${namespace}/${name}`));
}

function readBootstrap(path: string, workload: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WeftError('file-not-found', {
      what: `no agent of ${workload} has written a bootstrap on this machine`,
      where: path,
      hint: 'Start it first: weft run --proxy envoy --name …',
      cause,
    });
  }
}
