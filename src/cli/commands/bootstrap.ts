/** `weft bootstrap`: the file with which a data plane that is not ours finds the agent of its workload. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { bootstrapPath } from '../../agent/envoy/start-envoy.ts';
import { grpcBootstrapPath } from '../../agent/proxyless/proxyless.ts';
import { relayDirectory, relayPlace } from '../../agent/relay/relay-place.ts';
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
    .action((workload: string) => {
      const { stateDir, namespace, name } = workloadPlace(context(), workload);
      const path = bootstrapPath(relayPlace(stateDir, namespace, name));
      context().terminal.write(readBootstrap(path, `${namespace}/${name}`, 'envoy'));
    });
  command
    .command('grpc <workload>')
    .description('bootstrap of a gRPC library (GRPC_XDS_BOOTSTRAP), for a workload that runs with --proxy none')
    .addHelpText(
      'after',
      '\nExample, of a second program that is the same workload while the first one runs:\n' +
        '  weft run --proxy none --service web --name web-1 -- ./web\n' +
        '  weft bootstrap grpc web-1 > grpc.json && GRPC_XDS_BOOTSTRAP=$PWD/grpc.json ./ask xds:///catalog',
    )
    .action((workload: string) => {
      const { stateDir, namespace, name } = workloadPlace(context(), workload);
      const path = grpcBootstrapPath(relayDirectory(stateDir, namespace, name));
      context().terminal.write(readBootstrap(path, `${namespace}/${name}`, 'none'));
    });
}

function workloadPlace({ globals }: Context, workload: string) {
  const { stateDir, namespace } = meshPlace(globals);
  return { stateDir, namespace: labelName('--namespace', namespace), name: labelName('the workload', workload) };
}

function readBootstrap(path: string, workload: string, proxy: 'envoy' | 'none'): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new WeftError('file-not-found', {
      what: `no agent of ${workload} has written a bootstrap on this machine`,
      where: path,
      hint: `Start it first: weft run --proxy ${proxy} --name …`,
      cause,
    });
  }
}
