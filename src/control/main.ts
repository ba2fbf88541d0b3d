/**
 * The control plane, put together: store → index → generate → publish, the API in front of the store, the CA beside
 * it. The only place of `control/` that constructs implementations.
 */
import { join } from 'node:path';
import { Counters } from '../core/counters.ts';
import { messageOf, WeftError } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Address, ServingRuntime, TlsIdentity, TlsOptions } from '../core/runtime.ts';
import { CallbackTimer, type Timers, TimerWheel } from '../core/timer-wheel.ts';
import { serviceKind } from '../api/kinds/service.ts';
import { processKeyMaker } from '../identity/key-maker.ts';
import { verifySpiffePeer } from '../identity/peer-check.ts';
import { meshKinds } from '../policies/kinds.ts';
import { adminToken, writeAdminFile } from './admin-file.ts';
import { tokenHash } from './api-server/authenticate.ts';
import { type ApiServer, startApiServer } from './api-server/server.ts';
import { authorizeNode, recordedKind } from './authorize-node.ts';
import { openAuthority } from './ca/authority.ts';
import { Enrolment } from './ca/enrolment.ts';
import { IdentityRecords } from './ca/identity-records.ts';
import { identityRoutes } from './ca/identity-routes.ts';
import { ServingCertificate } from './ca/serving-certificate.ts';
import { sessionTickets, ticketSecret } from './ca/ticket-secret.ts';
import { Tokens } from './ca/tokens.ts';
import { trustBundleResource } from './generate/mesh-settings.ts';
import { MeshViews } from './generate/mesh-views.ts';
import { LoadMetrics } from './loads/load-metrics.ts';
import { LOAD_STATS_PATH, openLoadStream } from './loads/load-stream.ts';
import { MeshIndex } from './index/mesh-index.ts';
import { ensureMesh, svidTtlOf } from './mesh-object.ts';
import { clientStatusRoute } from './client-status-route.ts';
import { meshStatusRoute } from './mesh-status-route.ts';
import { offeredRoute } from './offered-route.ts';
import { metricsRoute } from './metrics-route.ts';
import { Publisher } from './publish/publisher.ts';
import { XdsMetrics } from './publish/xds-metrics.ts';
import { follow } from './sources/follow.ts';
import { FaultEnds } from './sources/fault-ends.ts';
import { IndexFeed } from './sources/index-feed.ts';
import { leaseRoute } from './sources/lease-route.ts';
import { Leases } from './sources/leases.ts';
import { Newcomers } from './sources/newcomers.ts';
import { createObject, updateStatus } from './sources/store-writer.ts';
import { WorkloadRecords } from './sources/workload-records.ts';
import { Statuses, type StatusWriter } from './status/statuses.ts';
import { openSqliteStore } from './store/sqlite/sqlite-store.ts';
import type { Store } from './store/store.ts';
import { TYPE_URLS } from '../xds/resource.ts';

export interface ControlPlaneOptions {
  readonly runtime: ServingRuntime;
  readonly log: Log;
  /** Holds the CA, the store and the administrator's credential. */
  readonly stateDir: string;
  readonly api: Address;
  readonly xds: Address;
  readonly trustDomain: string;
  /** Lifetime of a workload's certificate where the Mesh says nothing; at least a minute. */
  readonly svidTtlMs: number;
  /** Of the program. */
  readonly version: string;
  /** What `GET /metrics` answers with, beside what the control plane counts itself. Default: nothing. */
  readonly counters?: Counters;
}

export interface ControlPlane {
  /** With the real ports. */
  readonly api: Address;
  readonly xds: Address;
  readonly caHash: string;
  /** Rejects when the index stopped following the store: the process must not go on. */
  readonly failed: Promise<never>;
  close(): Promise<void>;
}

const HOUR_MS = 3_600_000;

/** Rejects with `locked` (another control plane on this directory), `invalid`, `unsupported`, `address-in-use`, `permission-denied` or `io`. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { runtime, log, stateDir, trustDomain, version } = options;
  const { clock, random, files } = runtime;
  await using closing = new AsyncDisposableStack();
  const store = openSqliteStore(join(stateDir, 'store.db'));
  closing.defer(() => store.close());
  const timers = new TimerWheel(clock);
  const authority = await openAuthority({ runtime, log, keyMaker: processKeyMaker, stateDir, trustDomain });
  const identities = new IdentityRecords(store);
  const index = new MeshIndex();
  const svidTtlMs = () => svidTtlOf(index) ?? options.svidTtlMs;
  const enrolment = new Enrolment({ authority, records: identities, clock, log, svidTtlMs });

  await ensureMesh(store, clock, trustDomain);
  const update: StatusWriter['update'] = (kind, key, next) => updateStatus(store, clock, kind, key, next);
  const statuses = new Statuses(index, { update }, clock, log);
  closing.defer(() => statuses.close());
  const views = new MeshViews(index, (batch, stale) => statuses.observe(batch, stale));
  const { counters = new Counters() } = options;
  const loads = new LoadMetrics(counters);
  const publisher = new Publisher({
    metrics: new XdsMetrics(counters),
    services: (callers) => new Map([[LOAD_STATS_PATH, (stream) => openLoadStream(stream, callers, loads)]]),
    clock,
    timers,
    endOfTurn: runtime.endOfTurn,
    log,
    views,
    authorize: authorizeNode(index),
    recordedKind: recordedKind(index),
  });
  closing.defer(() => publisher.close());

  const records = new WorkloadRecords(store, clock);
  const leases = leasesOf(records, options, timers);
  closing.defer(() => leases.close());
  const newcomers = new Newcomers(
    leases,
    { create: (service) => createObject(store, clock, serviceKind, service) },
    log,
  );
  const faultEnds = new FaultEnds(views, clock);
  closing.defer(() => faultEnds.close());
  const feed = new IndexFeed(
    views,
    [newcomers, faultEnds],
    [trustBundleResource({ trustDomain, pem: authority.trustBundlePem }, '1')],
  );
  const failed = followStore(store, feed, log, closing);
  await Promise.race([feed.begun, failed]);

  const secret = await ticketSecret(files, random, stateDir);
  const resuming = (identity: TlsIdentity): TlsIdentity => {
    return { ...identity, tickets: sessionTickets(secret, identity.trustBundlePem, clock.wall()) };
  };
  const door: { xds: TlsIdentity | null; api: ApiServer | null } = { xds: null, api: null };
  const certificate = new ServingCertificate({
    authority,
    keyMaker: processKeyMaker,
    clock,
    log,
    hosts: [options.api.host, options.xds.host],
    onChange(identity) {
      door.xds = resuming(identity);
      door.api?.setTls(identity);
    },
  });
  const identity = await certificate.start();
  door.xds = resuming(identity);
  closing.defer(() => certificate.close());

  const xds = await publisher.listen(
    runtime.rpc,
    options.xds,
    xdsTls(options, () => door.xds),
  );
  closing.defer(() => xds.close());

  const token = await adminToken(files, random, stateDir);
  const at = { server: '', xds: hostPort(xds.address) };
  const settled = async (revision: string, timeoutMs: number) => {
    await feed.reached(revision);
    return publisher.waitForAck({ type: TYPE_URLS.endpoints }, timeoutMs);
  };
  const api = await startApiServer({
    store,
    kinds: meshKinds,
    clock,
    log,
    listen: options.api,
    tls: identity,
    trustDomain,
    adminTokenHash: tokenHash(token),
    enrolments: enrolment,
    version,
    counters,
    routes: [
      ...identityRoutes({
        authority,
        tokens: new Tokens(identities, clock, random),
        enrolment,
        serverUrl: () => at.server,
        xds: () => at.xds,
      }),
      leaseRoute({ leases, records, settled }),
      metricsRoute(counters, () => publisher.collectMetrics()),
      clientStatusRoute(publisher),
      meshStatusRoute({ clock, publisher, version, trustDomain }),
      offeredRoute({ publisher, views }),
    ],
  });
  closing.defer(() => api.close());
  door.api = api;
  at.server = `https://${hostPort(api.address)}`;
  const { caHash, trustBundlePem } = authority;
  await writeAdminFile(files, stateDir, { ...at, caHash, caPem: trustBundlePem, token });

  closing.defer(hourly(timers, log, () => Promise.all([authority.maintain(), enrolment.sweep()])));
  const held = closing.move();
  return { api: api.address, xds: xds.address, caHash, failed, close: () => held.disposeAsync() };
}

function leasesOf(records: WorkloadRecords, { runtime, log }: ControlPlaneOptions, timers: Timers): Leases {
  const attempt = (what: string, work: Promise<unknown>) =>
    void work.catch((error: unknown) => log.error(what, { reason: messageOf(error) }));
  return new Leases(runtime.clock, timers, {
    onExpired(key) {
      const { namespace, workload } = key;
      log.warn('a workload stopped renewing its lease and leaves the endpoints', { namespace, workload });
      attempt('a workload could not be marked as not ready', records.setReady(key, false, 'LeaseExpired'));
    },
    onForgotten: (key) => attempt('the record of a workload that is gone could not be removed', records.remove(key)),
  });
}

/** The promise rejects when following ends before the control plane does. */
function followStore(store: Store, feed: IndexFeed, log: Log, closing: AsyncDisposableStack): Promise<never> {
  const stop = new AbortController();
  const following = follow(store, (batch) => feed.apply(batch), stop.signal, log);
  closing.defer(async () => {
    stop.abort();
    await following.catch(() => {});
  });
  const failed = following.then(() => new Promise<never>(() => {}));
  failed.catch(() => {});
  return failed;
}

/** The identity is looked up at each handshake, so that a renewed certificate serves the next proxy. */
function xdsTls({ trustDomain, runtime }: ControlPlaneOptions, current: () => TlsIdentity | null): TlsOptions {
  return {
    role: 'server',
    get identity() {
      const identity = current();
      if (identity === null) throw new WeftError('internal', { what: 'the control plane has no certificate' });
      return identity;
    },
    alpn: ['h2'],
    serverName: null,
    requirePeerCertificate: true,
    verifyPeer: (peer) => verifySpiffePeer(peer, { trustDomain, role: 'client', ids: null }, runtime.clock.wall()),
  };
}

function hourly(timers: Timers, log: Log, work: () => Promise<unknown>): () => void {
  const timer = new CallbackTimer(() => {
    work().catch((error: unknown) => log.error('upkeep failed', { reason: messageOf(error) }));
    timers.arm(timer, HOUR_MS);
  });
  timers.arm(timer, HOUR_MS);
  return () => timers.disarm(timer);
}

/** As callers on this machine write it: a wildcard address is reached over loopback. */
function hostPort({ host, port }: Address): string {
  const reachable = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host;
  return reachable.includes(':') ? `[${reachable}]:${port}` : `${reachable}:${port}`;
}
