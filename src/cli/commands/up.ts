/** `weft up`: a control plane in this process, until it is told to end. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { startControlPlane } from '../../control/main.ts';
import { Counters } from '../../core/counters.ts';
import { parseDuration } from '../../core/durations.ts';
import type { Address, ServingRuntime } from '../../core/runtime.ts';
import type { Log } from '../../core/log.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { createBareRuntime } from '../../runtime/node/bare-runtime.ts';
import { streamKind } from '../../runtime/node/socket-kind.ts';
import { rawKind } from '../../runtime/raw/raw-kind.ts';
import { servingRpcOverHttp2 } from '../../xds/rpc/rpc-over-http2.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { readAdminFile } from '../mesh/admin-file.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { makePrivate } from '../mesh/private-directory.ts';
import { addressText, parseAddress } from '../mesh/address-flag.ts';
import { outputFormat } from '../output/data.ts';
import { processLog } from '../process-log.ts';
import { programName } from '../program-name.ts';
import { aborted, untilSignal } from '../until-signal.ts';
import { VERSION } from '../version.ts';

const DEFAULT_API: Address = { host: '127.0.0.1', port: 7443 };
const DEFAULT_XDS_PORT = 7444;
const MIN_SVID_TTL_MS = 60_000;
/** With its record below 16 KiB: thousands of idle connections keep what their largest write took. */
const MAX_TLS_WRITE_BYTES = 16_000;

interface UpFlags {
  readonly listen?: string;
  readonly xdsListen?: string;
  readonly trustDomain: string;
  readonly svidTtl: string;
}

export function define(command: Command, context: () => Context): void {
  command
    .option(
      '--listen <host[:port]>',
      'address of the API (default: as last time, else 127.0.0.1:7443; port 0: a free one)',
    )
    .option('--xds-listen <host[:port]>', 'address for proxies (default: as last time, else the API’s host, port 7444)')
    .option('--trust-domain <name>', 'authority of every identity; fixed when the CA is made', 'weft.local')
    .option('--svid-ttl <duration>', 'lifetime of workload certificates, at least 1m', '24h')
    .action((flags: UpFlags) => up(context(), flags));
}

async function up(context: Context, flags: UpFlags): Promise<void> {
  const svidTtlMs = parseDuration(flags.svidTtl);
  if (svidTtlMs === null || svidTtlMs < MIN_SVID_TTL_MS) {
    throw new UsageError(`--svid-ttl ${flags.svidTtl} is no duration of 1m or more`, 'For example: --svid-ttl 24h');
  }
  const json = outputFormat(context, ['table', 'json']) === 'json';
  const { stateDir } = meshPlace(context.globals);
  const last = lastAddresses(stateDir);
  const api =
    flags.listen === undefined ? (last?.api ?? DEFAULT_API) : parseAddress('--listen', flags.listen, DEFAULT_API.port);
  const xds =
    flags.xdsListen === undefined
      ? flags.listen === undefined && last !== null
        ? last.xds
        : { host: api.host, port: api.port === 0 ? 0 : DEFAULT_XDS_PORT }
      : parseAddress('--xds-listen', flags.xdsListen, DEFAULT_XDS_PORT);
  const stop = untilSignal();
  makePrivate(stateDir);
  const log = processLog(context);
  const counters = new Counters();
  const running = await startControlPlane({
    runtime: servingRuntime(log, counters),
    counters,
    log,
    stateDir,
    api,
    xds,
    trustDomain: flags.trustDomain,
    svidTtlMs,
    version: VERSION,
  });
  announce(context, stateDir, running, json);
  context.onServing();
  try {
    await Promise.race([aborted(stop), running.failed]);
  } finally {
    await running.close();
  }
}

function servingRuntime(log: Log, counters: Counters): ServingRuntime {
  const bare = createBareRuntime({ log, sockets: rawKind(MAX_TLS_WRITE_BYTES) ?? streamKind });
  const metrics = {
    waiting: counters.gauge('weft_xds_handshakes_waiting'),
    waited: counters.counter('weft_xds_handshakes_waited_total'),
  };
  const refused = counters.counter('weft_xds_connections_refused_total');
  const timers = new TimerWheel(bare.clock);
  return { ...bare, rpc: servingRpcOverHttp2({ ...bare, timers, metrics, refused }, log) };
}

function announce(context: Context, stateDir: string, at: { api: Address; xds: Address }, json: boolean): void {
  const { terminal } = context;
  if (json) {
    terminal.line(
      JSON.stringify({
        server: `https://${addressText(at.api)}`,
        xds: addressText(at.xds),
        stateDir,
        pid: process.pid,
      }),
    );
    return;
  }
  const { bold, dim, green } = terminal.style;
  const chosen = context.globals.stateDir;
  const name = chosen === undefined ? programName() : `${programName()} --state-dir ${chosen}`;
  terminal.lines([
    `${green('✓')} ${bold('the control plane is running')}`,
    `  ${dim('API')}      https://${addressText(at.api)}`,
    `  ${dim('proxies')}  ${addressText(at.xds)}`,
    `  ${dim('state')}    ${stateDir}`,
    '',
    'Next, in another terminal:',
    `  ${name} run --service hello --port 8080 -- COMMAND   ${dim('a service under a sidecar')}`,
    `  ${name} status${' '.repeat(39)}${dim('what the mesh is doing')}`,
    `  ${name} token create${' '.repeat(33)}${dim('let workloads of other machines join')}`,
  ]);
}

/** Proxies and tokens know the control plane by its addresses: it comes back where it was. */
function lastAddresses(stateDir: string): { api: Address; xds: Address } | null {
  if (!existsSync(join(stateDir, 'admin.json'))) return null;
  try {
    const { server, xds } = readAdminFile(stateDir);
    const url = new URL(server);
    const host = url.hostname.replace(/^\[|\]$/g, '');
    return { api: { host, port: Number(url.port) }, xds: parseAddress('xds', xds, DEFAULT_XDS_PORT) };
  } catch {
    return null;
  }
}
