import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { proxyEnvironment } from './proxy-environment.ts';

const preload = join(import.meta.dirname, 'node-preload.cjs');

/** One Node of each version in PATH, this one among them. */
function nodes(): Map<string, string> {
  const found = new Map([[process.versions.node, process.execPath]]);
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'node');
    try {
      accessSync(path, constants.X_OK);
      const version = execFileSync(path, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim();
      if (!found.has(version)) found.set(version, path);
    } catch {
      continue;
    }
  }
  return found;
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

function run(
  node: string,
  program: string,
  env: Record<string, string>,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(node, ['--input-type=module', '-e', program], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    let output = '';
    child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
    child.on('close', (code) => resolve({ code, output }));
  });
}

/** Prints the body that each way of asking gets. */
const program = (url: string, method = 'GET') => `
  const { host } = new URL('${url}');
  import http from 'node:http';
  const viaHttp = (options) => new Promise((resolve, reject) => {
    const request = http.request('${url}', { method: '${method}', ...options }, (response) => {
      let text = ''; response.on('data', (bytes) => (text += bytes)).on('end', () => resolve(text));
    }).on('error', reject);
    request.end('${method}' === 'POST' ? 'hello' : undefined);
  });
  console.log('http', await viaHttp({}));
  console.log('expect', await viaHttp({ headers: { expect: '100-continue' } }));
  console.log('array', await viaHttp({ headers: ['host', host, 'x-a', '1'] }));
  // Node's own support covers the global agent only.
  if (parseInt(process.versions.node) < 22) console.log('no agent', await viaHttp({ agent: false }));
  const init = { method: '${method}', ...('${method}' === 'POST' ? { body: 'hello' } : {}) };
  console.log('fetch', await (await fetch('${url}', init)).text());
`;

for (const [version, node] of nodes()) {
  describe(`HTTP through the sidecar under Node ${version}`, () => {
    const seen: string[] = [];
    const proxy = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes: Buffer) => (body += bytes.toString()));
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.host} ${body}`.trim());
        response.end('from the proxy');
      });
    });
    // Newer versions send CONNECT for fetch; the tunnel leads back into the same server.
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      proxy.emit('connection', socket);
    });
    const origin = createServer((_, response) => response.end('from the origin'));
    let env: Record<string, string> = {};
    let originPort = 0;
    before(async () => {
      const options = {
        httpProxyPort: await listen(proxy),
        inherited: {},
        nodePreloadPath: preload,
        services: [],
        vipAddresses: [],
      };
      env = { ...proxyEnvironment(options).variables };
      originPort = await listen(origin);
    });
    after(() => {
      for (const server of [proxy, origin]) {
        server.close();
        server.closeAllConnections();
      }
    });

    it('reaches a service by http and by fetch, with its own name in Host', async () => {
      seen.length = 0;
      const { code, output } = await run(node, program('http://catalog/items?a=1'), env);
      assert.equal(code, 0, output);
      const ways = ['http', 'expect', 'array', ...(parseInt(version) < 22 ? ['no agent'] : []), 'fetch'];
      const answers = ways.map((way) => `${way} from the proxy`);
      assert.deepEqual(output.trim().split('\n'), answers);
      const requests = seen.filter((line) => !line.startsWith('CONNECT'));
      assert.equal(requests.length, ways.length, seen.join('\n'));
      for (const line of requests) assert.match(line, /^GET (http:\/\/catalog)?\/items\?a=1 catalog(:80)?$/);
    });

    it('carries bodies and ports', async () => {
      seen.length = 0;
      const { code, output } = await run(node, program('http://catalog.shop:8080/', 'POST'), env);
      assert.equal(code, 0, output);
      assert.match(seen[0] ?? '', /^POST http:\/\/catalog\.shop:8080\/ catalog\.shop:8080 hello$/);
      assert.match(seen.at(-1) ?? '', /^POST (http:\/\/catalog\.shop:8080)?\/ catalog\.shop:8080 hello$/);
    });

    it('leaves loopback addresses alone', async () => {
      seen.length = 0;
      const { code, output } = await run(node, program(`http://127.0.0.1:${originPort}/`), env);
      assert.equal(code, 0, output);
      assert.doesNotMatch(output, /from the proxy/);
      assert.deepEqual(seen, []);
    });

    it('starts an application from a path with blanks, and without any proxy', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'weft a "b" '));
      try {
        symlinkSync(preload, join(folder, 'node-preload.cjs'));
        const options = {
          httpProxyPort: 1,
          inherited: {},
          nodePreloadPath: join(folder, 'node-preload.cjs'),
          services: [],
          vipAddresses: [],
        };
        const { NODE_OPTIONS = '' } = proxyEnvironment(options).variables;
        const { code, output } = await run(node, 'console.log("started")', { NODE_OPTIONS });
        assert.deepEqual({ code, output }, { code: 0, output: 'started\n' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });
}
