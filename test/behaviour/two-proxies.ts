/**
 * Weft's proxy and Envoy under one control plane, with what is generated for the same workload: two callers of the same
 * back ends, of which everything can be asked twice.
 */
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEnvoy } from '../../src/agent/envoy/start-envoy.ts';
import { SecretStream } from '../../src/agent/relay/secret-stream.ts';
import { SvidHolder } from '../../src/agent/svid-holder.ts';
import { changes, viewsOf } from '../../src/control/generate/golden.fixture.ts';
import { trustBundleResource } from '../../src/control/generate/mesh-settings.ts';
import { MeshIndex } from '../../src/control/index/mesh-index.ts';
import type { Resource } from '../../src/api/resource.ts';
import type { Workload } from '../../src/api/kinds/workload.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Listener } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { startProxy } from '../../src/proxy/main.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { type Authority, createAuthority } from '../../src/runtime/test/certificates.ts';
import { rpcOverHttp2 } from '../../src/xds/rpc/rpc-over-http2.ts';
import { serveRpc } from '../../src/xds/rpc/rpc-server.ts';
import { DELTA } from '../../src/xds/server/delta.ts';
import type { XdsView } from '../../src/xds/resource.ts';
import { program } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';

export const KINDS = ['weft', 'envoy'] as const;
export type Kind = (typeof KINDS)[number];

const HOST = '127.0.0.1';
const NAMESPACE = 'default';
const TRUST_DOMAIN = 'spiffe://weft.local';

/** In place of a service: the explicit HTTP proxy. */
export const HTTP_PROXY = 'http-proxy';

export interface TwoProxies {
  /** Where the application beside this proxy reaches a service. */
  port(kind: Kind, service: string): number;
  accessLog(kind: Kind): string;
  close(): Promise<void>;
}

/** `resources`: of the mesh, without the callers. Resolves when both serve. */
export async function startTwoProxies(services: readonly string[], resources: readonly object[]): Promise<TwoProxies> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-two-'));
  const authority = await createAuthority('two proxies');
  const ports = new Map<string, number>();
  for (const kind of KINDS)
    for (const service of [...services, HTTP_PROXY]) ports.set(`${kind} ${service}`, await freePort());
  const callers = KINDS.map((kind) => callerOf(kind, services, ports));
  const all = [...resources, ...callers].map(stored);
  const index = new MeshIndex();
  const roots = trustBundleResource({ trustDomain: 'weft.local', pem: authority.rootPem }, '1');
  index.apply({ cursor: '', replace: true, changes: changes([roots, ...all]) });
  const views = viewsOf(index, all);
  const control = await serveViews(authority, views);
  const accessLog = (kind: Kind): string => join(folder, `${kind}.log`);
  const weft = await startWeft(authority, control, accessLog('weft'));
  const envoy = await startTheEnvoy(authority, control, folder, accessLog('envoy'));
  const close = async (): Promise<void> => {
    await Promise.all([weft.close(), envoy.close()]);
    await control.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await Promise.all([weft.ready, envoy.ready]);
  } catch (error) {
    await close();
    throw error;
  }
  return { port: (kind, service) => ports.get(`${kind} ${service}`) ?? 0, accessLog, close };
}

function callerOf(kind: Kind, services: readonly string[], ports: ReadonlyMap<string, number>): Workload {
  const vips = services.map((service) => {
    const vipPort = ports.get(`${kind} ${service}`) ?? 0;
    return { service, namespace: NAMESPACE, port: 80, address: HOST, vipPort };
  });
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name: `${kind}-caller`, namespace: NAMESPACE },
    spec: {
      ...{ service: 'caller', account: `${kind}-caller`, address: HOST, ports: [], proxy: kind },
      uses: [...services],
      capture: { vips, httpProxyPort: ports.get(`${kind} ${HTTP_PROXY}`) ?? 0 },
    },
  };
}

function stored(resource: object, i: number): Resource {
  const given = resource as Resource;
  const metadata = { namespace: NAMESPACE, ...given.metadata, uid: `u${i}`, resourceVersion: String(i + 1) };
  return { ...given, metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:00Z' } };
}

const runtime = createNodeRuntime();
const timers = new TimerWheel(runtime.clock);
const rpc = rpcOverHttp2({ ...runtime, timers });

/** A control plane that has said all there is to say; a proxy gets what is its caller's. */
async function serveViews(authority: Authority, views: Readonly<Record<string, XdsView>>): Promise<Listener> {
  const uris = [`${TRUST_DOMAIN}/ns/weft-system/sa/control-plane`];
  const identity = await authority.issue({ uris, dnsNames: ['localhost'] });
  const tls = { role: 'server', identity, alpn: ['h2'], serverName: null, requirePeerCertificate: true } as const;
  return runtime.rpc.serve({ host: HOST, port: 0 }, { ...tls, verifyPeer: null }, (stream, _path, peer) => {
    const caller = peer?.uris[0]?.split('/').at(-1) ?? '';
    const session = new SecretStream(stream, DELTA, {
      wallMs: () => runtime.clock.wall(),
      onNack: ({ name, reason }) => process.stderr.write(`${caller} refuses ${name}: ${reason}\n`),
      onGone() {},
    });
    const view = views[`${NAMESPACE}/${caller}`];
    if (view !== undefined) session.offer(view);
    return session;
  });
}

async function svidOf(authority: Authority, kind: Kind): Promise<SvidHolder> {
  const id = `${TRUST_DOMAIN}/ns/${NAMESPACE}/sa/${kind}-caller`;
  const { certificateChainPem, privateKeyPem } = await authority.issue({ uris: [id] });
  const holder = new SvidHolder();
  const now = Date.now();
  holder.set({ id, certificateChainPem, privateKeyPem, notBefore: now - 60_000, notAfter: now + 3_600_000 });
  return holder;
}

function nodeOf(kind: Kind) {
  return { id: `${NAMESPACE}/${kind}-caller`, cluster: 'caller', metadata: { kind } };
}

async function startWeft(authority: Authority, control: Listener, accessLogPath: string) {
  const svid = await svidOf(authority, 'weft');
  const trustBundlePem = authority.rootPem;
  return startProxy({
    runtime: { ...runtime, rpc },
    log: silentLog,
    node: nodeOf('weft'),
    control: { kind: 'mesh', xds: control.address, svid, trustBundlePem },
    version: 'test',
    admin: { host: HOST, port: 0 },
    statePath: null,
    egressProxy: null,
    accessLogPath,
  });
}

async function startTheEnvoy(authority: Authority, control: Listener, folder: string, accessLogPath: string) {
  const svid = await svidOf(authority, 'envoy');
  return startEnvoy({
    runtime: { ...runtime, rpc },
    log: silentLog,
    serve: (at, accept) => serveRpc({ ...runtime, timers }, silentLog, at, accept),
    place: { directory: folder, socketPath: join(folder, 'xds.sock') },
    envoy: program('envoy'),
    requestLog: openSync(accessLogPath, 'a'),
    logLevel: 'warning',
    maxHeapBytes: 0,
    node: nodeOf('envoy'),
    xds: control.address,
    svid,
    trustBundlePem: () => authority.rootPem,
    admin: { host: HOST, port: await freePort() },
    statePath: join(folder, 'none'),
    egressProxy: null,
    locality: null,
  });
}
