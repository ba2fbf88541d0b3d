/**
 * A workload from its start to its end: identity, ports, record, sidecar, application. The one place of the agent
 * where its parts meet; what they need of the machine comes in as options.
 */
import { join } from 'node:path';
import { isWeftError, messageOf, WeftError } from '../core/errors.ts';
import type { ProxyKind } from '../api/kinds/workload.ts';
import type { Log } from '../core/log.ts';
import type { Address, Net, Runtime } from '../core/runtime.ts';
import { readInheritedProxy } from '../capture/inherited-proxy.ts';
import type { KeyMaker } from '../identity/key-maker.ts';
import type { SvidSource } from '../identity/svid.ts';
import { appEnvironment } from './app-environment.ts';
import { waitUntilAnswering } from './app-probe.ts';
import { type AppProcess, launchApp, type OutputLine } from './app-process.ts';
import type { ControlPlane, KnownService } from './control-plane.ts';
import { renew } from './enrol.ts';
import { KeptState, workloadDirectory } from './kept-state.ts';
import { liveWith } from './life-cycle.ts';
import { waitForListeningPort } from './listening-port.ts';
import { becomeMember, enrolAnew, isAway, type MembershipOptions } from './membership.ts';
import { type Outbound, prepareOutbound } from './outbound.ts';
import { within } from './pause.ts';
import { PROXY_PORTS, reservePorts } from './port-blocks.ts';
import { Registration } from './registration.ts';
import { keepRenewed } from './renewal.ts';
import type { Sidecar, StartSidecar } from './sidecar.ts';
import { signalExitCode, type StopSignal, StopRequest } from './stop-request.ts';
import { SvidHolder } from './svid-holder.ts';
import { greeter, refuseTwin } from './twin.ts';
import { type AppPort, workloadRecord } from './workload-record.ts';

export interface WorkloadOptions {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly keyMaker: KeyMaker;
  /** `process.platform` */
  readonly platform: string;
  readonly connect: (svid: SvidSource) => ControlPlane;
  readonly joinToken: () => Promise<string>;
  readonly startSidecar: StartSidecar;
  readonly stateDir: string;
  readonly namespace: string;
  /** Unique in the namespace; a restart under the same name takes up its state. */
  readonly workload: string;
  readonly service: string;
  readonly account: string;
  readonly version: string | null;
  readonly labels: Readonly<Record<string, string>>;
  /** IP literal where peers reach the sidecar. */
  readonly address: string;
  /** `auto`: the lowest port that the application is found to listen on. Empty: it serves nobody. */
  readonly ports: readonly AppPort[] | 'auto';
  readonly proxyKind: ProxyKind;
  readonly uses: readonly string[] | null;
  readonly locality: { readonly region: string; readonly zone: string } | null;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onOutput: OutputLine | null;
  readonly nodePreloadPath: string | null;
  /** Unset: 15. */
  readonly leaseSeconds?: number;
  /** From the signal to SIGKILL. Unset: 30,000. */
  readonly graceMs?: number;
  /** How long a control plane that is away is waited for when nothing is on disk. Unset: 30,000. */
  readonly patienceMs?: number;
}

export interface RunningWorkload {
  /** The application's own, or 128 + n when it was stopped before it ran. Rejects with a WeftError when the start failed. */
  readonly exitCode: Promise<number>;
  /** True once the application's ports answer and the control plane is told; false when it ended before. */
  readonly ready: Promise<boolean>;
  /** Ends it in order; a second call does not wait for callers, a third kills. */
  stop(signal: StopSignal): void;
}

const GRACE_MS = 30_000;
const PATIENCE_MS = 30_000;
const SIDECAR_READY_MS = 30_000;
const AUTO_PORT_MS = 60_000;
const HELD_MS = 200;
const NOTHING_LED: Outbound = { network: null, vipBlocks: [], vips: [], release: async () => {} };

export function startWorkload(options: WorkloadOptions): RunningWorkload {
  const stop = new StopRequest();
  const ready = Promise.withResolvers<boolean>();
  const exitCode = live(options, stop, ready.resolve).finally(() => ready.resolve(false));
  return { exitCode, ready: ready.promise, stop: (signal) => stop.stop(signal) };
}

async function live(options: WorkloadOptions, stop: StopRequest, onReady: (ready: boolean) => void): Promise<number> {
  const { runtime, log, namespace, workload } = options;
  const { clock, random, net, files } = runtime;
  await using held = new AsyncDisposableStack();
  const ended = new AbortController();
  held.defer(() => ended.abort());

  const holder = new SvidHolder();
  const controlPlane = options.connect(holder);
  held.defer(() => controlPlane.close());
  const directory = workloadDirectory(options.stateDir, namespace, workload);
  const kept = new KeptState(files, directory, log);
  const keptPorts = await kept.ports();
  await refuseTwin(net, clock, keptPorts?.blocks ?? [], directory, `${namespace}/${workload}`);
  const joining = membershipOptions(options, controlPlane, kept, ended.signal);
  const member = await unlessStopped(stop, becomeMember(joining));
  if (member === null) return stoppedEarly(stop);
  holder.set(member.svid);
  let { trustBundlePem } = member;
  const renewOnce = async (mode: 'renew' | 'enrol'): Promise<void> => {
    const next =
      mode === 'enrol' ? await enrolAnew(joining) : await renew(controlPlane, options.keyMaker, joining.claim);
    await kept.keepMembership(next);
    ({ trustBundlePem } = next);
    holder.set(next.svid);
  };
  void keepRenewed({ clock, random, log, svid: holder, renew: renewOnce }, ended.signal);

  // An application that speaks xDS itself binds its own ports, and nothing is led anywhere.
  const proxyless = options.proxyKind === 'grpc';
  const inbound = options.ports === 'auto' ? 1 : options.ports.length;
  // The control plane answers while ports are looked for here.
  const asked = knownServices(controlPlane, log);
  asked.catch(() => {});
  const reserved = await reservePorts(
    net,
    random,
    PROXY_PORTS,
    proxyless ? 1 : inbound + 2,
    keptPorts?.blocks ?? [],
    greeter(directory),
  );
  held.defer(() => reserved.release());
  const known = await asked;
  const outbound = proxyless
    ? NOTHING_LED
    : await prepareOutbound(known, { net, random, log, namespace, uses: options.uses, kept: keptPorts });
  held.defer(() => outbound.release());
  const { network, vipBlocks, vips } = outbound;
  await kept.keepPorts({ blocks: reserved.blocks, network, vipBlocks, vips });

  const [httpProxyPort = 0, adminPort = 0, ...proxyPorts] = reserved.ports;
  const record = (ports: readonly AppPort[]) =>
    workloadRecord({
      ...options,
      ports: ports.map((port, index) => ({ ...port, proxyPort: proxyPorts[index] ?? 0 })),
      proxy: proxyless ? null : { httpProxyPort, adminPort, vips },
    });
  const registration = new Registration(
    { ...registrationOptions(options, controlPlane), enrolAnew: () => renewOnce('enrol') },
    record(fixedPorts(options)),
  );
  try {
    await registration.register().catch(async (error: unknown) => {
      if (keptPorts === null || !isWeftError(error, 'forbidden')) throw error;
      // It left in order before: the identity on disk was given back, though it has not expired.
      await renewOnce('enrol');
      await registration.register();
    });
  } catch (error) {
    if (!isAway(error) || keptPorts === null) throw error;
    log.warn('the control plane is away: starting from what is on disk', { reason: messageOf(error) });
  }
  registration.start();
  held.defer(() => registration.leave());

  const sidecar = await options.startSidecar({
    node: { id: `${namespace}/${workload}`, cluster: options.service, metadata: { kind: options.proxyKind } },
    xds: await addressOf(net, member.xds),
    svid: holder,
    trustBundlePem: () => trustBundlePem,
    admin: { host: '127.0.0.1', port: adminPort },
    statePath: join(directory, 'snapshot.bin'),
    egressProxy: await egressProxy(options),
    locality: options.locality === null ? null : { ...options.locality, subZone: '' },
  });
  held.defer(() => sidecar.close());
  if ((await unlessStopped(stop, sidecarReady(options, sidecar, ended.signal))) === null) return stoppedEarly(stop);

  const env =
    sidecar.environment === undefined
      ? appEnvironment({ ...options, inherited: options.env, httpProxyPort, vips })
      : { ...options.env, ...sidecar.environment };
  const app = await launchApp({ clock, command: options.command, env, onOutput: options.onOutput });
  void app.exited.then(() => ended.abort());
  void announce(options, app, ended.signal, (ports) => {
    if (options.ports === 'auto') registration.replace(record(ports));
    if (stop.signal === null) registration.setReady(true);
    onReady(stop.signal === null);
  });
  return await liveWith(app, stop, { clock, log, registration, sidecar, graceMs: options.graceMs ?? GRACE_MS });
}

/** Calls back once the ports answer; a port that is not found is told and leaves the application running. */
async function announce(
  options: WorkloadOptions,
  app: AppProcess,
  signal: AbortSignal,
  answering: (ports: readonly AppPort[]) => void,
): Promise<void> {
  const { log, runtime, platform } = options;
  const { net, clock, files } = runtime;
  try {
    let ports = fixedPorts(options);
    if (options.ports === 'auto') {
      const search = { files, clock, platform, timeoutMs: AUTO_PORT_MS };
      const port = await waitForListeningPort(app.pid, search, signal);
      ports = [{ name: '', port, protocol: '' }];
      log.info('the application listens', { port });
    }
    // Peers reach an application without a proxy where it is, and it accepts before it serves: see `heldMs`.
    const probe =
      options.proxyKind === 'grpc' ? { host: options.address, heldMs: HELD_MS } : { host: '127.0.0.1', heldMs: 0 };
    const onSlow = (port: number): void =>
      log.warn('the application does not answer on its port yet: it takes no traffic', { port, host: probe.host });
    const numbers = ports.map(({ port }) => port);
    if (await waitUntilAnswering(net, clock, { ...probe, ports: numbers, onSlow }, signal)) answering(ports);
  } catch (error) {
    if (!signal.aborted) log.error(messageOf(error));
  }
}

function fixedPorts(options: WorkloadOptions): readonly AppPort[] {
  return options.ports === 'auto' ? [] : options.ports;
}

/** Null when a stop was asked for first; the work is left to itself. */
async function unlessStopped<T>(stop: StopRequest, work: Promise<T>): Promise<T | null> {
  work.catch(() => {});
  return Promise.race([work, stop.requested.then(() => null)]);
}

function stoppedEarly(stop: StopRequest): number {
  return signalExitCode(stop.signal ?? 'SIGTERM');
}

async function sidecarReady(options: WorkloadOptions, sidecar: Sidecar, signal: AbortSignal): Promise<true> {
  if (sidecar.isExternal === true) return sidecar.ready.then(() => true);
  const late = (): never => {
    throw new WeftError('timeout', {
      what: `the sidecar had no configuration after ${SIDECAR_READY_MS / 1000} s`,
      where: `${options.namespace}/${options.workload}`,
      hint: 'weft status tells what the control plane knows of it',
    });
  };
  await within(options.runtime.clock, SIDECAR_READY_MS, sidecar.ready, late, signal);
  return true;
}

function membershipOptions(
  options: WorkloadOptions,
  controlPlane: ControlPlane,
  kept: KeptState,
  signal: AbortSignal,
): MembershipOptions {
  const { namespace, workload, service, account, log, keyMaker, joinToken } = options;
  const { clock, random } = options.runtime;
  const claim = { namespace, workload, service, account };
  const patienceMs = options.patienceMs ?? PATIENCE_MS;
  return { clock, random, log, keyMaker, controlPlane, kept, claim, joinToken, patienceMs, signal };
}

function registrationOptions(options: WorkloadOptions, controlPlane: ControlPlane) {
  const { log, runtime, leaseSeconds } = options;
  return { clock: runtime.clock, log, controlPlane, ...(leaseSeconds === undefined ? {} : { leaseSeconds }) };
}

async function knownServices(controlPlane: ControlPlane, log: Log): Promise<readonly KnownService[] | null> {
  try {
    return await controlPlane.services();
  } catch (error) {
    if (!isAway(error)) throw error;
    log.debug('the services cannot be asked for', { reason: messageOf(error) });
    return null;
  }
}

async function egressProxy(options: WorkloadOptions): Promise<Address | null> {
  const { proxy, warnings } = readInheritedProxy(options.env);
  for (const warning of warnings) options.log.warn(warning);
  if (proxy === null) return null;
  try {
    const [found] = await options.runtime.net.resolve(proxy.host);
    return found === undefined ? null : { host: found.host, port: proxy.port };
  } catch (error) {
    options.log.warn('the proxy that was set is not chained', { reason: messageOf(error) });
    return null;
  }
}

/** `host:port`, the host a name or an IP literal, IPv6 in brackets. */
async function addressOf(net: Net, text: string): Promise<Address> {
  const [, bracketed, plain, port = ''] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined)
    throw new WeftError('invalid', { what: 'the address is not host:port', where: text.slice(0, 300) });
  const [found] = await net.resolve(host);
  if (found === undefined) throw new WeftError('name-not-found', { what: 'the host has no address', where: host });
  return { host: found.host, port: Number(port) };
}
