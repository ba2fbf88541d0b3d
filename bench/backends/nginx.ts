/** The HTTP application: nginx with a small JSON answer and the headers of an ordinary service. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

export function nginxConfig(folder: string, port: number): string {
  const file = join(folder, 'backend.conf');
  writeFileSync(
    file,
    `worker_processes 1; daemon off; master_process off; pid ${folder}/backend.pid; error_log /dev/null;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 1h; tcp_nodelay on;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port} backlog=4096; default_type application/json;
    add_header cache-control "no-store"; add_header vary "accept-encoding"; add_header x-frame-options DENY;
    add_header strict-transport-security "max-age=31536000"; add_header x-backend "backend-7f9c5";
    location = /bench-status { stub_status; }
    location / { return 200 '{"id":12345,"name":"a small answer of ordinary size","ok":true}\\n'; }
  }
}
`,
  );
  return file;
}

/** Those that asked for the count. */
let asked = 0;

/** How many requests it has served, without those that asked this. A bare socket: the load core has other work. */
export async function nginxRequests(port: number): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.end('GET /bench-status HTTP/1.0\r\n\r\n');
  const answer = await text(socket);
  asked++;
  return Number(/\s\d+ \d+ (\d+)\s/.exec(answer)?.[1]) - asked;
}
