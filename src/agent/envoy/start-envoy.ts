/**
 * Envoy as the data plane of a workload: the relay that it gets everything from, its bootstrap, the process, which is
 * started again when it ends by itself, and the order in which it stops.
 */
import { join } from 'node:path';
import { messageOf, WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime, RpcAccept, Address, Listener } from '../../core/runtime.ts';
import { unixAddress } from '../../core/unix-path.ts';
import { backOffMs, pause } from '../pause.ts';
import { keptPath, KeptResources } from '../relay/kept-resources.ts';
import { startRelay } from '../relay/relay.ts';
import type { RelayPlace } from '../relay/relay-place.ts';
import type { Sidecar, SidecarOptions } from '../sidecar.ts';
import { AdminClient } from './admin-client.ts';
import { envoyBootstrap } from './bootstrap.ts';
import { type EnvoyProcess, launchEnvoy } from './envoy-process.ts';
import { endStaleEnvoy, keepPid } from './stale-envoy.ts';

const BOOTSTRAP_FILE = 'envoy.json';
const POLL_MS = 50;
const RESTART_BASE_MS = 250;
const RESTART_MAX_MS = 5_000;
/** An Envoy that lasted so long was started well. */
const STEADY_MS = 10_000;
/** Requests that Envoy passes to the application: our inbound clusters are named so. */
const INBOUND_REQUESTS = '^cluster\\.inbound\\|.*\\.upstream_rq_active$';
/** Inbound listeners are bound to the workload's own address, outbound ones to loopback: the name says it apart. */
const INBOUND_CONNECTIONS = '^(http|tcp)\\.inbound\\|.*\\.downstream_cx_active$';

export interface EnvoySidecarOptions extends SidecarOptions {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly serve: (at: Address, accept: RpcAccept) => Promise<Listener>;
  readonly place: RelayPlace;
  /** The program; null: somebody else starts it, with the bootstrap that is written. */
  readonly envoy: string | null;
  /** Where lines of requests go: an open file, the agent's own output, or nowhere. */
  readonly requestLog: number | 'inherit' | 'ignore';
  readonly logLevel: 'warning' | 'info';
  /** 0: not bounded. */
  readonly maxHeapBytes: number;
}

export function bootstrapPath(place: RelayPlace): string {
  return join(place.directory, BOOTSTRAP_FILE);
}

export async function startEnvoy(options: EnvoySidecarOptions): Promise<Sidecar> {
  const { runtime, log, place, admin } = options;
  const { files } = runtime;
  if (options.egressProxy !== null) log.warn('Envoy does not chain the proxy that was set for other hosts');
  const path = bootstrapPath(place);
  await endStaleEnvoy(files, log, place.directory, path);
  const bootstrap = envoyBootstrap({ ...options, socketPath: place.socketPath });
  await files.write(path, Buffer.from(`${JSON.stringify(bootstrap, null, 2)}\n`), 0o600);
  const kept = new KeptResources({ files, clock: runtime.clock, log, path: keptPath(options.statePath, 'envoy') });
  await kept.load();
  const relay = await openRelay(options, kept);
  const closing = new AbortController();
  const client = new AdminClient(runtime.net, runtime.clock, admin);
  if (options.envoy === null) log.info('waiting for an Envoy that is started with this bootstrap', { bootstrap: path });
  const supervised = options.envoy === null ? null : supervise(options, options.envoy, path, closing.signal);
  const ready = Promise.race([
    waitUntilReady(client, options, closing.signal),
    ...(supervised === null ? [] : [supervised.failed]),
  ]);
  ready.then(
    () => log.info('proxy ready', { node: options.node.id, kind: 'envoy' }),
    () => {},
  );
  const idle = (filter: string, graceMs: number): Promise<void> => untilNone(client, runtime, filter, graceMs);
  return {
    isExternal: options.envoy === null,
    ready,
    settle: (graceMs) => idle(INBOUND_REQUESTS, graceMs),
    sealState: () => kept.seal(),
    async drain(graceMs) {
      try {
        await client.failHealthChecks();
        await client.drainInbound();
      } catch (error) {
        log.debug('Envoy is gone already', { reason: messageOf(error) });
        return;
      }
      await idle(INBOUND_CONNECTIONS, graceMs);
    },
    async close() {
      closing.abort();
      await supervised?.ended;
      await relay.close();
    },
  };
}

/** A socket that an agent left behind has nobody behind it: this workload has one agent. */
async function openRelay(options: EnvoySidecarOptions, kept: KeptResources): Promise<Listener> {
  const { runtime, log, place, xds, svid, trustBundlePem, serve } = options;
  const { clock, random, rpc, files } = runtime;
  await files.remove(place.socketPath).catch(() => {});
  const at = unixAddress(place.socketPath);
  const bind = (accept: RpcAccept): Promise<Listener> => serve(at, accept);
  return startRelay({
    ...{ clock, random, log, rpc, serve: bind, controlPlane: xds, svid, trustBundlePem, kept },
    isPrivate: true,
    isGrpc: false,
  });
}

interface Supervised {
  /** Rejects when the first start fails; resolves never. */
  readonly failed: Promise<never>;
  /** After the signal, when the process is gone. */
  readonly ended: Promise<void>;
}

function supervise(options: EnvoySidecarOptions, file: string, path: string, closing: AbortSignal): Supervised {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  return { failed: failed.promise, ended: keepRunning(options, file, path, closing, failed.reject) };
}

async function keepRunning(
  options: EnvoySidecarOptions,
  file: string,
  path: string,
  closing: AbortSignal,
  onFailure: (error: unknown) => void,
): Promise<void> {
  const { runtime, log, requestLog, logLevel, place } = options;
  const { clock, random, files } = runtime;
  let hasServed = false;
  for (let failures = 0; !closing.aborted; failures += 1) {
    const startedAt = clock.now();
    let reason: string;
    try {
      const envoy = await launchEnvoy({
        ...{ clock, log, file, bootstrapPath: path, requestLog, logLevel },
        service: `${options.node.cluster}.${options.node.id.split('/')[0]}`,
      });
      await keepPid(files, place.directory, envoy.pid);
      reason = await untilEnd(envoy, closing);
    } catch (error) {
      reason = messageOf(error);
    }
    if (closing.aborted) return;
    const lastedMs = clock.now() - startedAt;
    if (lastedMs > STEADY_MS) {
      hasServed = true;
      failures = 0;
    }
    if (!hasServed) onFailure(startFailed(file, reason));
    log.error('Envoy has ended and is started again', { reason });
    await pause(clock, backOffMs(failures, RESTART_BASE_MS, RESTART_MAX_MS, random.next()), closing);
  }
}

async function untilEnd(envoy: EnvoyProcess, closing: AbortSignal): Promise<string> {
  const asked = new Promise<null>((resolve) => {
    if (closing.aborted) resolve(null);
    closing.addEventListener('abort', () => resolve(null), { once: true });
  });
  const reason = await Promise.race([envoy.exited, asked]);
  if (reason !== null) return reason;
  await envoy.stop();
  return 'stopped';
}

function startFailed(file: string, reason: string): WeftError {
  return new WeftError('io', {
    what: `Envoy did not start: ${reason}`,
    where: file,
    hint: 'Weft is tested with Envoy 1.40; --verbose shows what it says',
  });
}

async function waitUntilReady(
  client: AdminClient,
  { runtime }: EnvoySidecarOptions,
  closing: AbortSignal,
): Promise<void> {
  while (!closing.aborted) {
    if (await client.isReady().catch(() => false)) return;
    await pause(runtime.clock, POLL_MS, closing);
  }
  throw new WeftError('unavailable', { what: 'Envoy was stopped before it was ready' });
}

/** Returns when the gauges say that nothing is under way, when nobody answers, or after `graceMs`. */
async function untilNone(client: AdminClient, { clock }: Runtime, filter: string, graceMs: number): Promise<void> {
  const deadline = clock.now() + graceMs;
  while (clock.now() < deadline) {
    const count = await client.sum(filter).catch(() => 0);
    if (count === 0) return;
    await pause(clock, POLL_MS);
  }
}
