/**
 * `weft run`: an application under a sidecar, in this one process: agent and proxy meet here. It loads no schema and
 * nothing of the control plane, because it is what runs beside every workload.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Command } from 'commander';
import { apiControlPlane } from '../../agent/api-control-plane.ts';
import { launchExitCode } from '../../agent/app-process.ts';
import { workloadDirectory } from '../../agent/kept-state.ts';
import { relayDirectory } from '../../agent/relay/relay-place.ts';
import type { StartSidecar } from '../../agent/sidecar.ts';
import { startWorkload, type WorkloadOptions } from '../../agent/workload.ts';
import { isWeftError } from '../../core/errors.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import { startProxy } from '../../proxy/main.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createBareRuntime } from '../../runtime/node/bare-runtime.ts';
import { streamKind } from '../../runtime/node/socket-kind.ts';
import { rawKind } from '../../runtime/raw/raw-kind.ts';
import { rpcOverHttp2 } from '../../xds/rpc/rpc-over-http2.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { refuseShared } from '../mesh/private-directory.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { printError } from '../output/print-error.ts';
import { processLog } from '../process-log.ts';
import { defaultAddress, type JoinFlags, planJoin } from '../run/join.ts';
import type { EnvoyFlags } from '../run/envoy-sidecar.ts';
import { type LocalityFlags, runLocality } from '../run/locality.ts';
import { labelName, parseLabels, parseUses, serviceName, versionName } from '../run/name-flags.ts';
import { nodePreloadPath } from '../run/node-preload.ts';
import { parsePortFlags } from '../run/port-flag.ts';
import { parseProxy, refuseIdleFlags } from '../run/proxy-flag.ts';
import { parseXdsAt, proxylessStarter } from '../run/start-proxyless.ts';
import { onEndSignal } from '../until-signal.ts';
import { VERSION } from '../version.ts';

interface RunFlags extends JoinFlags, LocalityFlags, EnvoyFlags {
  readonly service?: string;
  readonly port?: string[];
  readonly version?: string;
  readonly account?: string;
  readonly uses?: string[];
  readonly label?: string[];
  readonly name?: string;
  readonly address?: string;
  readonly proxy: string;
  readonly xdsAt?: string;
  readonly accessLog?: string;
}

export function define(command: Command, context: () => Context): void {
  const many = (value: string, before: string[] | undefined) => [...(before ?? []), value];
  command
    .usage('--service NAME [options] -- COMMAND...')
    .argument('[command...]', 'the application; everything after --')
    .option('-s, --service <name>', 'the service that this is an instance of')
    .option('-p, --port <[name=]P[:protocol]>', 'port of the application at 127.0.0.1, or: auto (repeatable)', many)
    .option('--version <version>', 'version label; makes the service NAME-VERSION too')
    .option('--account <name>', 'service account in its identity (default: the service)')
    .option(
      '--uses <services>',
      'services that it calls, such as catalog,shop/stock (default: found on first use)',
      many,
    )
    .option('--label <key=value>', 'label of the workload (repeatable)', many)
    .option('--name <workload>', 'name of this instance; the same name takes up where it was (default: a new one)')
    .option('--address <ip>', 'where other sidecars reach this one (default: 127.0.0.1 on the control plane’s machine)')
    .option('--region <name>', 'region in which it runs, for policies on localities (env WEFT_REGION)')
    .option('--zone <name>', 'zone of that region (env WEFT_ZONE)')
    .option('--control-plane <url>', 'https://HOST:PORT (default: the one of the state directory)')
    .option('--token-file <file>', 'file with a join token, - for standard input (or env WEFT_TOKEN)')
    .option('--ca-hash <hash>', 'sha256:… of the mesh’s CA, as weft token create prints it')
    .option('--proxy <kind>', 'data plane: weft, envoy or none (the application speaks xDS itself)', 'weft')
    .option('--xds-at <place>', 'with --proxy none, where it finds xDS: unix (default), or loopback for grpc-java')
    .option('--envoy-path <file>', 'the Envoy of --proxy envoy (env WEFT_ENVOY; default: the first in PATH)')
    .option('--external-envoy', 'somebody else starts Envoy, with the file of weft bootstrap envoy')
    .option('--access-log <file>', 'one JSON line a request; - for standard output')
    .addHelpText(
      'after',
      '\nExamples:\n  weft run --service web --port 8080 -- node web.js\n  weft run --service cart --port 6379:tcp -- redis-server',
    )
    .action(async (words: string[], flags: RunFlags) => {
      process.exitCode = await run(context(), words, flags);
    });
}

async function run(context: Context, command: readonly string[], flags: RunFlags): Promise<number> {
  if (flags.service === undefined) throw new UsageError('which service is it?', 'weft run --service NAME -- COMMAND');
  if (command.length === 0) throw new UsageError('there is no command to run', 'weft run --service NAME -- COMMAND');
  const proxyKind = parseProxy(flags.proxy);
  refuseIdleFlags(proxyKind, flags);
  const service = serviceName('--service', flags.service);
  const place = meshPlace(context.globals);
  refuseShared(place.stateDir);
  const namespace = labelName('--namespace', place.namespace);
  const account = labelName('--account', flags.account ?? service);
  const version = flags.version === undefined ? null : versionName(flags.version);
  const workload = labelName('--name', flags.name ?? newName(service, version));
  const at = parseXdsAt(flags.xdsAt ?? 'unix');
  const ports = parsePortFlags(flags.port ?? []);
  if (proxyKind === 'grpc' && ports === 'auto') {
    throw new UsageError(
      '--port auto does not go with --proxy none',
      'A gRPC server listens only when it has the configuration of its port: --port 50051:grpc',
    );
  }
  if (flags.address !== undefined && isIP(flags.address) === 0) {
    throw new UsageError(`--address ${flags.address} is no IP address`, 'For example: --address 10.0.0.5');
  }
  const log = processLog(context);
  const { stateDir } = place;
  const { server, trust, joinToken } = planJoin(flags, { stateDir, namespace, service, account }, log);
  const bare = createBareRuntime({ log, sockets: rawKind() ?? streamKind });
  const runtime = { ...bare, rpc: rpcOverHttp2({ ...bare, timers: new TimerWheel(bare.clock) }) };
  const accessLogPath =
    flags.accessLog === undefined ? null : flags.accessLog === '-' ? '/dev/stdout' : flags.accessLog;
  const ownDirectory = workloadDirectory(stateDir, namespace, workload);
  const startWeft: StartSidecar = async (sidecar) => {
    const { xds, svid } = sidecar;
    const control = { kind: 'mesh', xds, svid, trustBundlePem: sidecar.trustBundlePem() } as const;
    const proxy = await startProxy({ ...sidecar, control, runtime, log, version: VERSION, accessLogPath });
    void proxy.ready.then(context.onServing);
    return proxy;
  };
  const dataPlanes: Record<typeof proxyKind, () => Promise<StartSidecar>> = {
    weft: async () => startWeft,
    grpc: async () => proxylessStarter(runtime, log, { stateDir, namespace, workload, at }),
    envoy: async () =>
      (await import('../run/envoy-sidecar.ts')).envoySidecar({
        ...{ runtime, log, stateDir, namespace, workload, accessLogPath, flags },
        verbose: context.globals.verbose === true,
        onServing: context.onServing,
      }),
  };
  const startSidecar = await dataPlanes[proxyKind]();
  const options: WorkloadOptions = {
    runtime,
    log,
    keyMaker: processKeyMaker,
    platform: process.platform,
    connect: (svid) => apiControlPlane({ server, trust, namespace, workload, svid }),
    joinToken,
    startSidecar,
    stateDir,
    namespace,
    workload,
    service,
    account,
    version,
    labels: parseLabels(flags.label ?? []),
    address: flags.address ?? defaultAddress(server),
    ports,
    proxyKind,
    uses: parseUses(flags.uses),
    locality: runLocality(flags, process.env),
    command,
    env: appEnvironment(),
    onOutput: null,
    nodePreloadPath: nodePreloadPath(),
  };
  try {
    return await live(context, options);
  } finally {
    // A name that was made up never comes back: its key must not stay behind.
    if (flags.name === undefined) {
      for (const directory of [ownDirectory, relayDirectory(stateDir, namespace, workload)])
        rmSync(directory, { recursive: true, force: true });
    }
  }
}

async function live(context: Context, options: WorkloadOptions): Promise<number> {
  const running = startWorkload(options);
  onEndSignal((signal) => running.stop(signal));
  try {
    return await running.exitCode;
  } catch (error) {
    if (!isWeftError(error) || error.where !== options.command[0]) throw error;
    printError(context.terminal, error);
    return launchExitCode(error);
  }
}

/** The application is told nothing of how the workload joined, nor of what `weft` sets for itself. */
function appEnvironment(): Record<string, string | undefined> {
  const { WEFT_TOKEN: _token, WEFT_LOG_FORMAT: _format, WEFT_LOG_LEVEL: _level, ...env } = process.env;
  const { WEFT_MALLOC_ARENA_MAX: before, ...own } = env;
  if (before === '') delete own['MALLOC_ARENA_MAX'];
  return own;
}

function newName(service: string, version: string | null): string {
  const suffix = version === null ? '' : `-${version.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`;
  return `${`${service}${suffix}`.slice(0, 55).replace(/-+$/, '')}-${randomBytes(3).toString('hex')}`;
}
