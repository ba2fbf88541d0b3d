/** nginx as the same pair, HTTP/1.1 between the two because its upstreams speak no HTTP/2, and as one hop. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missing } from '../../test/support/components.ts';
import { listening, start } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { freePort } from '../free-port.ts';
import { type Credentials, SERVER_NAME, writeCredentials } from './credentials.ts';
import { type Peer, type PeerSetting, routePrefixes } from './peer.ts';

export const nginx: Peer = {
  name: 'nginx',
  absent: () => missing('nginx') || null,
  async startPair({ folder, backends }) {
    const credentials = await writeCredentials(folder);
    const [port, inner] = [await freePort(), await freePort()];
    const pids = [
      run(folder, 'in', inbound(folder, inner, backends.http, credentials)),
      run(folder, 'out', outbound(folder, port, `127.0.0.1:${inner}`, clientTls(credentials))),
    ];
    await listening(inner);
    await listening(port);
    return { name: 'nginx', pids, addresses: { http: `127.0.0.1:${port}` } };
  },
  startHop: async ({ folder, backends }: PeerSetting) => {
    const port = await freePort();
    const pids = [run(folder, 'hop', outbound(folder, port, `127.0.0.1:${backends.http}`, null))];
    await listening(port);
    return { name: 'nginx', pids, addresses: { http: `127.0.0.1:${port}` } };
  },
};

function run(folder: string, name: string, text: string): number {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${name}.conf`);
  writeFileSync(file, text);
  return start(PROXY_CORE, 'nginx', ['-c', file]).pid;
}

function outbound(folder: string, port: number, upstream: string, tls: string | null): string {
  const pass = `proxy_pass ${tls === null ? 'http' : 'https'}://next;`;
  const routes = routePrefixes().map((prefix) => `location ${prefix} { ${pass} }`);
  return file(
    folder,
    'out',
    upstream,
    `listen 127.0.0.1:${port} backlog=4096;
  ${tls ?? ''}
  proxy_set_header x-request-id $request_id; proxy_set_header x-forwarded-client-cert "";
  ${routes.join('\n  ')}`,
  );
}

function inbound(folder: string, port: number, backend: number, credentials: Credentials): string {
  return file(
    folder,
    'in',
    `127.0.0.1:${backend}`,
    `listen 127.0.0.1:${port} ssl backlog=4096;
  ssl_certificate ${credentials.certificateFile}; ssl_certificate_key ${credentials.keyFile};
  ssl_client_certificate ${credentials.caFile}; ssl_verify_client on; ssl_protocols TLSv1.3;
  proxy_set_header x-forwarded-client-cert $ssl_client_s_dn;
  if ($request_method !~ ^(GET|HEAD|POST|PUT|DELETE|PATCH|OPTIONS)$) { return 403; }
  location / { proxy_pass http://next; }`,
  );
}

function clientTls(credentials: Credentials): string {
  return `proxy_ssl_certificate ${credentials.certificateFile}; proxy_ssl_certificate_key ${credentials.keyFile};
  proxy_ssl_trusted_certificate ${credentials.caFile}; proxy_ssl_verify on; proxy_ssl_protocols TLSv1.3;
  proxy_ssl_name ${SERVER_NAME}; proxy_ssl_server_name on;`;
}

function file(folder: string, name: string, upstream: string, server: string): string {
  return `worker_processes 1; daemon off; master_process off; pid ${folder}/${name}.pid; error_log /dev/null;
worker_rlimit_nofile 20000;
events { worker_connections 8192; }
http {
log_format line escape=json '{"time":"$time_iso8601","method":"$request_method","path":"$request_uri","status":$status,"seconds":$request_time,"bytesOut":$bytes_sent,"upstream":"$upstream_addr","requestId":"$http_x_request_id"}';
access_log ${folder}/${name}.log line buffer=64k flush=1s;
keepalive_requests 1000000000; keepalive_timeout 1h; proxy_http_version 1.1;
client_body_temp_path ${folder}/${name}-body; proxy_temp_path ${folder}/${name}-proxy;
fastcgi_temp_path ${folder}/${name}-fastcgi; uwsgi_temp_path ${folder}/${name}-uwsgi; scgi_temp_path ${folder}/${name}-scgi;
upstream next { least_conn; server ${upstream}; keepalive 1024; keepalive_requests 1000000000; }
server {
  proxy_set_header Connection "";
  ${server}
}
}
`;
}
