/**
 * Weft as the proxies: sidecars of a real mesh, with everything on that a mesh has: strict mTLS, one hundred routes,
 * request id, the caller's identity, metrics, retries, limits, an access log in a file.
 */
import { join } from 'node:path';
import { PROXY_CORE } from '../cores.ts';
import { routePrefixes } from '../peers/peer.ts';
import type { BackendPorts, Proxies, Traffic } from '../proxies.ts';
import { HOLDER, vipsOf, type WeftMesh } from './mesh.ts';

const PROTOCOLS: Readonly<Record<Traffic, string>> = { http: 'http', grpc: 'grpc', websocket: 'http', bulk: 'tcp' };
const TRAFFICS = Object.keys(PROTOCOLS) as readonly Traffic[];

/** Rules of one HTTPRoute are at most 16, its matches 8 a rule in the standard. */
const RULES = 13;

/** Through two sidecars: one in front of the backends, one beside the caller. */
export async function startWeftPair(name: string, mesh: WeftMesh, backends: BackendPorts): Promise<Proxies> {
  const inbound = mesh.run({
    core: PROXY_CORE,
    service: 'backend',
    flags: [
      ...TRAFFICS.flatMap((traffic) => ['--port', `${traffic}=${backends[traffic]}:${PROTOCOLS[traffic]}`]),
      ...['--access-log', join(mesh.folder, 'in.log')],
    ],
    command: ['sleep', '3600'],
  });
  await mesh.ready('backend', inbound);
  mesh.apply(routes('backend', backends.http));
  const outbound = mesh.run({
    core: PROXY_CORE,
    service: 'client',
    flags: ['--uses', 'backend', '--access-log', join(mesh.folder, 'out.log')],
    command: HOLDER,
  });
  return { name, pids: [inbound.pid, outbound.pid], addresses: await vipsOf(outbound, 'BACKEND', TRAFFICS) };
}

/** Through the caller's sidecar alone, to backends without one: no TLS. */
export async function startWeftHop(name: string, mesh: WeftMesh, backends: BackendPorts): Promise<Proxies> {
  mesh.apply(plainWorkload(backends));
  mesh.apply(routes('plain', backends.http));
  const sidecar = mesh.run({
    core: PROXY_CORE,
    service: 'hop',
    flags: ['--uses', 'plain', '--access-log', join(mesh.folder, 'hop.log')],
    command: HOLDER,
  });
  return { name, pids: [sidecar.pid], addresses: await vipsOf(sidecar, 'PLAIN', ['http', 'bulk']) };
}

function plainWorkload(backends: BackendPorts): string {
  const [http, bulk] = [backends.http, backends.bulk];
  return `apiVersion: v1
kind: Service
metadata: { name: plain, namespace: default }
spec:
  selector: { app: plain }
  ports:
    - { name: http, port: ${http}, targetPort: http, appProtocol: http }
    - { name: bulk, port: ${bulk}, targetPort: bulk, appProtocol: tcp }
---
apiVersion: weft.mesh/v1
kind: Workload
metadata: { name: plain-1, namespace: default, labels: { app: plain } }
spec:
  service: plain
  account: plain
  address: 127.0.0.1
  proxy: none
  ports:
    - { name: http, port: ${http}, protocol: http }
    - { name: bulk, port: ${bulk}, protocol: tcp }
`;
}

function routes(service: string, port: number): string {
  const matches = routePrefixes().map((value) => `{ path: { type: PathPrefix, value: ${value} } }`);
  const perRule = Math.ceil(matches.length / RULES);
  const rules = Array.from({ length: RULES }, (_, rule) => {
    const own = matches.slice(rule * perRule, (rule + 1) * perRule);
    return `    - { matches: [${own.join(', ')}], backendRefs: [{ name: ${service}, port: ${port} }] }`;
  });
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${service}-routes, namespace: default }
spec:
  parentRefs: [{ group: "", kind: Service, name: ${service}, port: ${port} }]
  rules:
${rules.join('\n')}
`;
}
