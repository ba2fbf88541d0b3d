/**
 * `weft proxy -c FILE`: the data plane alone, under an Envoy bootstrap file and the control plane that it names. No mesh,
 * no identity of its own: TLS is what the resources say.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { messageOf, WeftError } from '../../core/errors.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { startProxy } from '../../proxy/main.ts';
import { createBareRuntime } from '../../runtime/node/bare-runtime.ts';
import { streamKind } from '../../runtime/node/socket-kind.ts';
import { rawKind } from '../../runtime/raw/raw-kind.ts';
import { rpcOverHttp2 } from '../../xds/rpc/rpc-over-http2.ts';
import { problemText, type ReadBootstrap, readBootstrap } from '../bootstrap/read-bootstrap.ts';
import type { Context } from '../context.ts';
import { EXIT, UsageError } from '../exit-codes.ts';
import { addressText } from '../mesh/address-flag.ts';
import { processLog } from '../process-log.ts';
import { aborted, untilSignal } from '../until-signal.ts';
import { VERSION } from '../version.ts';

interface ProxyFlags {
  readonly config: string;
  readonly mode: string;
  readonly drainTime: string;
  readonly adminAddressPath?: string;
  readonly accessLog?: string;
}

export function define(command: Command, context: () => Context): void {
  command
    .requiredOption('-c, --config <file>', 'an Envoy bootstrap, YAML or JSON')
    .option('--mode <mode>', 'serve, or validate: read the file, say what is wrong, and end', 'serve')
    .option('--admin-address-path <file>', 'write there where the admin endpoint is bound')
    .option('--access-log <file>', 'one JSON line a request; - for standard output')
    .option('--drain-time <seconds>', 'how long requests may take to end after a signal', '5')
    .addHelpText(
      'after',
      `
Whatever the file asks for and this proxy does not do is refused, with its line; docs/xds-support.md lists what it does.

Examples:
  weft proxy -c envoy.yaml
  weft proxy -c envoy.yaml --mode validate`,
    )
    .action((flags: ProxyFlags) => proxy(context(), flags));
}

async function proxy(context: Context, flags: ProxyFlags): Promise<void> {
  if (flags.mode !== 'serve' && flags.mode !== 'validate') {
    throw new UsageError(`--mode ${flags.mode} is none`, 'One of: serve, validate');
  }
  const drainMs = Number(flags.drainTime) * 1000;
  if (!(drainMs >= 0))
    throw new UsageError(`--drain-time ${flags.drainTime} is no number of seconds`, 'For example: 5');
  const bootstrap = load(context, flags.config);
  if (bootstrap === null) {
    process.exitCode = EXIT.refused;
    return;
  }
  if (flags.mode === 'validate') {
    context.terminal.line(`${flags.config}: OK`);
    return;
  }
  const stop = untilSignal();
  const log = processLog(context);
  const bare = createBareRuntime({ log, sockets: rawKind() ?? streamKind });
  const runtime = { ...bare, rpc: rpcOverHttp2({ ...bare, timers: new TimerWheel(bare.clock) }) };
  const { node, locality, admin, statics, sources, maxConnections, localCluster } = bootstrap;
  const accessLogPath =
    flags.accessLog === undefined ? null : flags.accessLog === '-' ? '/dev/stdout' : flags.accessLog;
  const running = await startProxy({
    runtime,
    log,
    node,
    locality,
    localCluster,
    admin: admin ?? { host: '127.0.0.1', port: 0 },
    control: { kind: 'bootstrap', statics, sources },
    version: VERSION,
    statePath: null,
    egressProxy: null,
    accessLogPath,
    ...(maxConnections === null ? {} : { maxConnections }),
  });
  if (flags.adminAddressPath !== undefined) writeFileSync(flags.adminAddressPath, addressText(running.adminAddress));
  log.info('proxy started', { node: node.id, admin: addressText(running.adminAddress) });
  void running.ready.then(context.onServing);
  await aborted(stop);
  await running.drain(drainMs, 'all');
  await running.close();
}

/** Null when something is wrong with it, which has been told. */
function load(context: Context, file: string): ReadBootstrap | null {
  const { bootstrap, problems } = readBootstrap(readText(file), file);
  for (const problem of problems) context.terminal.errorLine(problemText(file, problem));
  return bootstrap;
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new WeftError('file-not-found', {
      what: `the bootstrap cannot be read: ${messageOf(error)}`,
      where: file,
      hint: 'Name an Envoy bootstrap, as YAML or JSON: weft proxy -c envoy.yaml',
      cause: error,
    });
  }
}
