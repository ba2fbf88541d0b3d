/**
 * Weft as the pair: two sidecars of a real mesh, with everything on that a mesh has: strict mTLS, one hundred routes,
 * request id, the caller's identity, metrics, retries, limits, an access log in a file.
 */
import { join } from 'node:path';
import { listening, type Started } from '../children.ts';
import { LOAD_CORE, PROXY_CORE } from '../cores.ts';
import { HOLDER, vipOf, WeftMesh } from '../weft-mesh.ts';
import { backendConfig } from './backend.ts';
import type { Target } from './target.ts';

/** Rules of one HTTPRoute are at most 16, its matches 8 a rule in the standard. */
const RULES = 13;
const ROUTES = 100;

export async function startWeftPair(name: string, folder: string, bundle: string, port: number): Promise<Target> {
  const mesh = new WeftMesh(folder, bundle);
  await mesh.startControlPlane();
  const inbound = startBackend(mesh, port);
  await listening(port);
  mesh.apply(routes());
  const outbound = startClient(mesh, ['--access-log', join(folder, 'out.log')]);
  const address = await vipOf(outbound);
  return { name, url: `http://${address}/`, pids: [inbound.pid, outbound.pid], backendPort: port };
}

export function startBackend(mesh: WeftMesh, port: number): Started {
  const config = backendConfig(mesh.folder, port);
  return mesh.run({
    core: PROXY_CORE,
    service: 'backend',
    flags: ['--port', `${port}:http`, '--access-log', join(mesh.folder, 'in.log')],
    command: ['taskset', '-c', String(LOAD_CORE), 'nginx', '-c', config],
  });
}

export function startClient(mesh: WeftMesh, flags: readonly string[]): Started {
  return mesh.run({ core: PROXY_CORE, service: 'client', flags: ['--uses', 'backend', ...flags], command: HOLDER });
}

function routes(): string {
  const matches = Array.from({ length: ROUTES }, (_, i) => `{ path: { type: PathPrefix, value: /api/route${i}/ } }`);
  const perRule = Math.ceil(ROUTES / RULES);
  const rules = Array.from({ length: RULES }, (_, rule) => {
    const own = matches.slice(rule * perRule, (rule + 1) * perRule);
    return `    - { matches: [${own.join(', ')}], backendRefs: [{ name: backend, port: 80 }] }`;
  });
  return `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: routes, namespace: default }
spec:
  parentRefs: [{ group: "", kind: Service, name: backend }]
  rules:
${rules.join('\n')}
`;
}
