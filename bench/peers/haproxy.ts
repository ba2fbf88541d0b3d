/** HAProxy as the same pair, with HTTP/1.1 or HTTP/2 between the two, and as one hop. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../test/support/components.ts';
import { listening, start } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { freePort } from '../free-port.ts';
import type { BackendPorts, Proxies } from '../proxies.ts';
import { writeCredentials } from './credentials.ts';
import { type Frontend, haproxyConfig } from './haproxy-config.ts';
import { type Peer, routePrefixes } from './peer.ts';

const absent = (): string | null => missing('haproxy') || null;

export const haproxyHttp1: Peer = {
  name: 'haproxy-h1',
  absent,
  startPair: ({ folder, backends }) => startPair('haproxy-h1', folder, backends, 'http/1.1'),
  startHop: null,
};

export const haproxyHttp2: Peer = {
  name: 'haproxy-h2',
  absent,
  startPair: ({ folder, backends }) => startPair('haproxy-h2', folder, backends, 'h2'),
  startHop: null,
};

export const haproxyHop: Peer = {
  name: 'haproxy',
  absent,
  startPair: () => Promise.reject(new Error('its pairs have names of their own')),
  startHop: ({ folder, backends }) => startHop(folder, backends),
};

async function startPair(
  name: string,
  folder: string,
  backends: BackendPorts,
  alpn: 'http/1.1' | 'h2',
): Promise<Proxies> {
  const { bundleFile, caFile } = await writeCredentials(folder);
  const tls = `ssl crt ${bundleFile} ca-file ${caFile} verify required ssl-min-ver TLSv1.3 alpn ${alpn}`;
  const ports = { http: await freePort(), websocket: await freePort(), grpc: await freePort() };
  const inner = { http: await freePort(), websocket: await freePort(), grpc: await freePort() };
  const carried = alpn === 'h2' ? (['http', 'grpc'] as const) : (['http', 'websocket'] as const);
  const outbound = carried.map(
    (traffic): Frontend => ({
      name: traffic,
      side: 'out',
      bind: `127.0.0.1:${ports[traffic]}${traffic === 'grpc' ? ' proto h2' : ''}`,
      server: `127.0.0.1:${inner[traffic]} ${tls}`,
    }),
  );
  const inbound = carried.map(
    (traffic): Frontend => ({
      name: traffic,
      side: 'in',
      bind: `127.0.0.1:${inner[traffic]} ${tls}`,
      server: `127.0.0.1:${backends[traffic]}${traffic === 'grpc' ? ' proto h2' : ''}`,
    }),
  );
  const pids = [run(folder, 'in', inbound), run(folder, 'out', outbound)];
  for (const traffic of carried) {
    await listening(inner[traffic]);
    await listening(ports[traffic]);
  }
  const addresses = Object.fromEntries(carried.map((traffic) => [traffic, `127.0.0.1:${ports[traffic]}`]));
  return { name, pids, addresses };
}

async function startHop(folder: string, backends: BackendPorts): Promise<Proxies> {
  const ports = { http: await freePort(), bulk: await freePort() };
  const frontends: Frontend[] = [
    { name: 'http', side: 'out', bind: `127.0.0.1:${ports.http}`, server: `127.0.0.1:${backends.http}` },
    { name: 'bulk', side: 'tcp', bind: `127.0.0.1:${ports.bulk}`, server: `127.0.0.1:${backends.bulk}` },
  ];
  const pids = [run(folder, 'hop', frontends)];
  await listening(ports.http);
  await listening(ports.bulk);
  return { name: 'haproxy', pids, addresses: { http: `127.0.0.1:${ports.http}`, bulk: `127.0.0.1:${ports.bulk}` } };
}

function run(folder: string, name: string, frontends: readonly Frontend[]): number {
  mkdirSync(folder, { recursive: true });
  const map = join(folder, 'routes.map');
  const lines = routePrefixes().map((prefix, i) => `${prefix} route${i}\n`);
  writeFileSync(map, lines.join(''));
  const file = join(folder, `${name}.cfg`);
  writeFileSync(file, haproxyConfig(frontends, map));
  return start(PROXY_CORE, 'haproxy', ['-db', '-f', file], { outputFile: join(folder, `${name}.log`) }).pid;
}
