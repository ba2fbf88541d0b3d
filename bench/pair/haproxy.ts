/**
 * HAProxy as the same pair: mTLS with TLS 1.3 and HTTP/1.1 between the two, one hundred routes, a method rule, request
 * and trace ids, the caller's identity in a header, and a JSON access log: what the sidecars of Weft do too.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { listening, start } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import type { Target } from './target.ts';

interface Ports {
  readonly out: number;
  readonly inner: number;
  readonly backend: number;
}

export async function startHaproxyPair(folder: string, ports: Ports): Promise<Target> {
  mkdirSync(folder, { recursive: true });
  const { outConfig, inConfig } = await writeConfigs(folder, ports);
  const run = (config: string, log: string): number =>
    start(PROXY_CORE, 'haproxy', ['-db', '-f', config], { outputFile: join(folder, log) }).pid;
  const pids = [run(inConfig, 'in.log'), run(outConfig, 'out.log')];
  await listening(ports.inner);
  await listening(ports.out);
  return { name: 'haproxy', url: `http://127.0.0.1:${ports.out}/`, pids, backendPort: ports.backend };
}

async function writeConfigs(folder: string, ports: Ports): Promise<{ outConfig: string; inConfig: string }> {
  const authority = await createAuthority('bench');
  const { certificateChainPem, privateKeyPem } = await authority.issue({ commonName: 'sidecar' });
  const [pemFile, caFile] = [join(folder, 'leaf.pem'), join(folder, 'ca.crt')];
  writeFileSync(pemFile, `${certificateChainPem}${privateKeyPem}\n`, { mode: 0o600 });
  writeFileSync(caFile, authority.rootPem);
  const map = join(folder, 'routes.map');
  writeFileSync(map, Array.from({ length: 100 }, (_, i) => `/api/route${i}/ route${i}\n`).join(''));
  const [outConfig, inConfig] = [join(folder, 'out.cfg'), join(folder, 'in.cfg')];
  const tls = `ssl crt ${pemFile} ca-file ${caFile} verify required ssl-min-ver TLSv1.3 alpn http/1.1`;
  writeFileSync(outConfig, config('out', `127.0.0.1:${ports.out}`, '', map, `127.0.0.1:${ports.inner} ${tls}`));
  writeFileSync(inConfig, config('in', `127.0.0.1:${ports.inner}`, tls, map, `127.0.0.1:${ports.backend}`));
  return { outConfig, inConfig };
}

function config(side: 'out' | 'in', address: string, bindTls: string, map: string, server: string): string {
  const identity =
    side === 'in'
      ? 'http-request set-header x-forwarded-client-cert URI=%[ssl_c_s_dn]'
      : 'http-request del-header x-forwarded-client-cert';
  return `global
  nbthread 1
  maxconn 9000
  log stdout format raw local0 info
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend ${side}
  bind ${address} ${bindTls} backlog 4096
  log-format '{"time":"%t","method":"%HM","path":"%[capture.req.uri,json]","status":%ST,"durationMs":%Tt,"bytesOut":%B,"upstream":"%si:%sp","requestId":"%ID","route":"%[var(txn.route)]"}'
  unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
  unique-id-header x-request-id
  acl known method GET HEAD POST PUT DELETE PATCH OPTIONS
  http-request deny if !known
  http-request set-var(txn.route) path,map_beg(${map},other)
  ${identity}
  http-request set-header traceparent 00-%[rand]-%[rand]-01 unless { req.hdr(traceparent) -m found }
  default_backend next
backend next
  balance leastconn
  option redispatch
  retries 2
  server only ${server}
`;
}
