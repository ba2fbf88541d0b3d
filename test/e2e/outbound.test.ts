/** What leaves a workload: hosts outside the mesh, a proxy that was there before, and whose outbound is whose. */
import assert from 'node:assert/strict';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, connect, type Server } from 'node:net';
import { lookup } from 'node:dns/promises';
import { hostname } from 'node:os';
import { after, before, test } from 'node:test';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const HELLO = `require('node:http').createServer((q, r) => r.end(q.url + '\\n')).listen(Number(process.argv[1]), '127.0.0.1')`;
/** A name for this machine that is not on any list of names that go past the proxy. */
const host = hostname();
const resolves = await lookup(host).then(
  () => true,
  () => false,
);
const skip = missing('curl', 'python3') || (resolves ? false : `the name of this machine, ${host}, does not resolve`);

const mesh = new LiveMesh();
const servers: Server[] = [];

before(async () => {
  if (skip !== false) return;
  await mesh.start();
  const port = await freePort();
  await mesh.serve({ service: 'catalog', ports: [port] }, process.execPath, '-e', HELLO, String(port));
});
after(async () => {
  await mesh.close();
  for (const server of servers) server.close();
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  // Every address of the machine: which one its name has is its own business.
  await new Promise<void>((resolve) => server.listen(0, '::', resolve));
  return (server.address() as AddressInfo).port;
}

test('plain HTTP to a host outside passes through the sidecar and is counted as egress', { skip }, async () => {
  const seen: IncomingMessage[] = [];
  const outside = await listen(
    createServer((request, response) => {
      seen.push(request);
      response.end('outside\n');
    }),
  );
  const shell = await mesh.shell({ service: 'tourist', uses: ['catalog'] });
  const url = `http://${host}:${outside}/page`;
  assert.equal(await shell.output(`curl -sS -m 10 ${url}`), 'outside\n');
  const python = `python3 -c "import urllib.request as u; print(u.urlopen('${url}', timeout=10).read().decode(), end='')"`;
  assert.equal(await shell.output(python), 'outside\n');
  assert.equal(seen.length, 2);
  for (const { url: path, headers } of seen) {
    assert.equal(path, '/page', 'in origin form, as to any server');
    assert.equal(headers.host, `${host}:${outside}`);
    const told = Object.keys(headers).filter((name) => /^(?:x-weft|x-envoy|x-forwarded|proxy-)/.test(name));
    assert.deepEqual(told, [], 'a stranger learns nothing of the mesh');
  }
  const labels = { direction: 'outbound', source: 'tourist.default', destination: `egress:${host}`, mtls: 'no' };
  await until(
    'both are counted',
    3_000,
    async () => (await mesh.count('tourist', 'weft_requests_total', labels)) === 2,
  );
});

test('HTTPS to a host outside is the application’s own TLS, in a tunnel that is counted', { skip }, async () => {
  const authority = await createAuthority('outside');
  const identity = await authority.issue({ dnsNames: [host] });
  const options = { cert: identity.certificateChainPem, key: identity.privateKeyPem };
  const outside = await listen(createTlsServer(options, (_, response) => response.end('secret\n')));
  const shell = await mesh.shell({ service: 'banker', uses: ['catalog'] });
  assert.equal(await shell.output(`curl -sS -m 10 -k https://${host}:${outside}/`), 'secret\n');
  const labels = { direction: 'outbound', destination: `egress:${host}` };
  await until('the tunnel is counted', 3_000, async () => {
    const tunnels = await mesh.count('banker', 'weft_tcp_connections_total', labels);
    return tunnels + (await mesh.count('banker', 'weft_requests_total', labels)) >= 1;
  });
});

test('a proxy that was set before stays on the way out, and is not asked for services', { skip }, async () => {
  const asked: string[] = [];
  const proxy = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.end('by the proxy\n');
  });
  proxy.on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.on('error', () => {});
    const [, port] = (request.url ?? '').split(':');
    const onward = connect(Number(port), '127.0.0.1', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
    onward.on('error', () => socket.destroy());
    socket.pipe(onward).pipe(socket);
  });
  const address = `http://127.0.0.1:${await listen(proxy)}`;
  const outside = await listen(createServer((_, response) => response.end('direct\n')));
  const env = { http_proxy: address, https_proxy: address };
  const shell = await mesh.shell({ service: 'employee', uses: ['catalog'], env });
  assert.equal(await shell.output(`curl -sS -m 10 http://${host}:${outside}/x`), 'by the proxy\n');
  assert.equal(await shell.output(`curl -sS -m 10 -p http://${host}:${outside}/y`), 'direct\n');
  assert.equal(await shell.output('curl -sS -m 10 http://catalog/z'), '/z\n');
  assert.deepEqual(asked, [`GET http://${host}:${outside}/x`, `CONNECT ${host}:${outside}`]);
  await mesh.assertSecure('catalog', 'requests', 'inbound', ['employee', 'catalog']);
});

test('two workloads on one host have an outbound of their own each, and are told apart by who they are', {
  skip,
}, async () => {
  const [one, two] = await Promise.all([
    mesh.shell({ service: 'one', uses: ['catalog'] }),
    mesh.shell({ service: 'two', uses: ['catalog'] }),
  ]);
  const ways = 'echo "$http_proxy $CATALOG_SERVICE_HOST"';
  const [proxyOfOne, addressOfOne] = (await one.output(ways)).trim().split(' ');
  const [proxyOfTwo, addressOfTwo] = (await two.output(ways)).trim().split(' ');
  assert.notEqual(proxyOfOne, proxyOfTwo);
  assert.notEqual(addressOfOne, addressOfTwo);
  const call = (times: number) =>
    `for i in $(seq ${times}); do curl -sS -m 10 http://catalog/a && curl -sS -m 10 "http://$CATALOG_SERVICE_HOST:$CATALOG_SERVICE_PORT/b" || exit 1; done`;
  await Promise.all([one.output(call(10)), two.output(call(15))]);
  for (const [name, requests] of [
    ['one', 20],
    ['two', 30],
  ] as const) {
    await mesh.assertSecure('catalog', 'requests', 'inbound', [name, 'catalog'], requests);
    await mesh.assertSecure(name, 'requests', 'outbound', [name, 'catalog'], requests);
    const inbound = { direction: 'inbound', source: `${name}.default`, mtls: 'yes' };
    assert.equal(await mesh.count('catalog', 'weft_requests_total', inbound), requests);
  }
});

test('an application that listens on the port of a service it uses collides with nothing', { skip }, async () => {
  const port = await freePort();
  await mesh.serve({ service: 'store', ports: [port] }, process.execPath, '-e', HELLO, String(port));
  const shell = await mesh.shell({ service: 'same-port', uses: ['store'] });
  const own = `'${process.execPath}' -e "const s = require('node:net').createServer(); s.listen(Number(process.env.STORE_SERVICE_PORT), '0.0.0.0', () => s.close())"`;
  const { stderr } = await shell.exec(own);
  assert.doesNotMatch(stderr, /EACCES/);
  assert.equal(await shell.output('curl -sS -m 10 "http://$STORE_SERVICE_HOST:$STORE_SERVICE_PORT/q"'), '/q\n');
});

test('a second workload under the name of one that lives is refused, and does that one no harm', { skip }, async () => {
  const first = await mesh.shell({ service: 'twin', uses: ['catalog'] });
  const second = await mesh.run({ service: 'twin', uses: ['catalog'] }, 'echo', 'started').finished(30_000);
  assert.deepEqual([second.code, second.stdout], [6, '']);
  assert.match(second.stderr, /runs already/);
  assert.equal(await first.output('curl -sS -m 10 http://catalog/first'), '/first\n');
});
