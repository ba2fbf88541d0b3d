/** HTTP servers and clients that we did not write, unchanged, under `weft run`: all of it is carried with mTLS. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findNode, missing, missingNode, program } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const GREETING = 'hello from python\n';

const mesh = new LiveMesh();

before(async () => {
  await mesh.start();
});
after(() => mesh.close());

async function servePython(service: string): Promise<void> {
  const root = join(mesh.directory, service);
  mkdirSync(root);
  writeFileSync(join(root, 'hello'), GREETING);
  const port = await freePort();
  const command = [program('python3'), '-m', 'http.server', String(port), '--bind', '127.0.0.1', '--directory', root];
  await mesh.serve({ service, ports: [port] }, ...command);
}

function buildGo(name: 'server' | 'client'): string {
  const path = join(mesh.directory, `go-${name}`);
  const env = { ...process.env, GO111MODULE: 'off', GOTOOLCHAIN: 'local', GOPROXY: 'off', CGO_ENABLED: '0' };
  execFileSync(program('go'), ['build', '-o', path, join(import.meta.dirname, 'go', name, 'main.go')], {
    env,
    timeout: 150_000,
  });
  return path;
}

/** `fetch` and `http.get` of a Node without one line for the mesh. */
const NODE_CLIENT = `
  const http = require('node:http');
  const [, url] = process.argv;
  const get = () => new Promise((resolve, reject) => {
    http.get(url, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => (text += chunk)).on('end', () => resolve(response.statusCode + ' ' + text));
    }).on('error', reject);
  });
  (async () => {
    const fetched = await fetch(url);
    process.stdout.write('fetch ' + fetched.status + ' ' + (await fetched.text()));
    process.stdout.write('get ' + (await get()));
    const posted = await fetch(url, { method: 'HEAD' });
    process.stdout.write('head ' + posted.status + '\\n');
  })().catch((error) => { console.error(error); process.exitCode = 1; });
`;

describe('a Python http.server', { skip: missing('python3', 'curl') }, () => {
  let shell: MeshShell;

  before(async () => {
    await servePython('catalog');
    shell = await mesh.shell({ service: 'web', uses: ['catalog'] });
  });

  test('answers curl by every name that Kubernetes gives a service', async () => {
    for (const host of [
      'catalog',
      'catalog:80',
      'catalog.default',
      'catalog.default.svc',
      'catalog.default.svc.cluster.local',
    ])
      assert.equal(await shell.output(`curl -sS -m 10 http://${host}/hello`), GREETING, host);
    await mesh.assertSecure('web', 'requests', 'outbound', ['web', 'catalog'], 5);
    await mesh.assertSecure('catalog', 'requests', 'inbound', ['web', 'catalog'], 5);
  });

  test('answers curl at its address for any TCP, where HTTP is detected', async () => {
    const before = await mesh.count('catalog', 'weft_requests_total', { source: 'web.default' });
    const got = await shell.output('curl -sS -m 10 "http://$CATALOG_SERVICE_HOST:$CATALOG_SERVICE_PORT/hello"');
    assert.equal(got, GREETING);
    await mesh.assertSecure('catalog', 'requests', 'inbound', ['web', 'catalog'], before + 1);
    assert.equal(await mesh.count('web', 'weft_tcp_connections_total', { destination: 'catalog.default' }), 0);
  });

  test('an address of the mesh is no host outside it', async () => {
    const url = '"http://$CATALOG_SERVICE_HOST:$CATALOG_SERVICE_PORT/hello"';
    const python = `python3 -c "import sys, urllib.request as u; u.urlopen(sys.argv[1], timeout=10)" ${url}`;
    await shell.output(`curl -sS -m 10 -o /dev/null ${url} && ${python}`);
    const out = (await mesh.stats('web')).filter(({ labels }) => labels['destination']?.startsWith('egress:127.'));
    assert.deepEqual(out, []);
  });

  test('answers curl through a CONNECT tunnel, in which HTTP is detected again', async () => {
    const before = await mesh.count('catalog', 'weft_requests_total', { source: 'web.default' });
    assert.equal(await shell.output('curl -sS -m 10 -p http://catalog/hello'), GREETING);
    await mesh.assertSecure('catalog', 'requests', 'inbound', ['web', 'catalog'], before + 1);
    assert.equal(await mesh.count('web', 'weft_tcp_connections_total', { destination: 'catalog.default' }), 0);
  });

  test('gives curl its own statuses, ranges of heads and connections kept open', async () => {
    const statuses = await shell.output(
      `curl -sS -m 10 -o /dev/null -o /dev/null -o /dev/null -w '%{http_code} ' http://catalog/hello http://catalog/absent http://catalog/hello`,
    );
    assert.equal(statuses.trim(), '200 404 200');
    const head = await shell.output('curl -sS -m 10 -I http://catalog/hello');
    assert.match(head, /^HTTP\/1\.1 200/);
    assert.match(head, /content-length: 18\r\n/i);
    assert.match(await shell.output(`curl -sS -m 10 -d x -w '%{http_code}' -o /dev/null http://catalog/hello`), /501/);
  });

  test('answers Python’s urllib', async () => {
    const script = `import urllib.request as u; print(u.urlopen('http://catalog/hello', timeout=10).read().decode(), end='')`;
    assert.equal(await shell.output(`python3 -c "${script}"`), GREETING);
  });

  test('a name that nobody offers is refused at once, by that name', async () => {
    const answer = await shell.output('curl -sS -m 10 -i http://catalogue.invalid/hello');
    assert.match(answer, /^HTTP\/1\.1 503 .*catalogue\.invalid/s);
  });

  for (const [atLeast, below] of [
    [20, 24],
    [26, 27],
  ] as const) {
    test(`answers fetch and http.get of Node ${atLeast}`, { skip: missingNode(atLeast, below) }, async () => {
      const node = findNode(atLeast, below);
      const file = join(mesh.directory, 'client.cjs');
      writeFileSync(file, NODE_CLIENT.replace('const [, url]', 'const [, , url]'));
      const before = await mesh.count('catalog', 'weft_requests_total', { source: 'web.default' });
      const text = await shell.output(`'${node}' '${file}' http://catalog/hello`);
      assert.equal(text, `fetch 200 ${GREETING}get 200 ${GREETING}head 200\n`);
      await mesh.assertSecure('catalog', 'requests', 'inbound', ['web', 'catalog'], before + 3);
    });
  }
});

describe('programs in Go', { skip: missing('go', 'curl') }, () => {
  let shell: MeshShell;
  let client: string;

  before(async () => {
    client = buildGo('client');
    const port = await freePort();
    await mesh.serve({ service: 'gopher', ports: [port] }, buildGo('server'), String(port));
    shell = await mesh.shell({ service: 'go-web', uses: ['gopher'] });
  });

  test('the default client of net/http reaches the server, by name and by address', async () => {
    const output = await shell.output(
      `'${client}' http://gopher/hello "http://$GOPHER_SERVICE_HOST:$GOPHER_SERVICE_PORT/hello"`,
    );
    assert.match(output, /^200 hello from go to gopher\n200 hello from go to 127\.\d+\.\d+\.\d+:2\d{4}\n$/);
    await mesh.assertSecure('gopher', 'requests', 'inbound', ['go-web', 'gopher'], 2);
    await mesh.assertSecure('go-web', 'requests', 'outbound', ['go-web', 'gopher'], 2);
  });

  test('a chunked body comes back whole, with the trailer behind it', async () => {
    assert.equal(await shell.output(`'${client}' -echo http://gopher/echo`), '200 trailer 1048576\n');
  });

  test('curl with Expect: 100-continue gets its interim response and its body back', async () => {
    const script = `head -c 3000000 /dev/zero | curl -sS -m 15 -v -T - -X POST -H 'Expect: 100-continue' http://gopher/echo 2>'${mesh.directory}/curl.log' | wc -c`;
    assert.equal((await shell.output(script)).trim(), '3000000');
    assert.match(await shell.output(`cat '${mesh.directory}/curl.log'`), /< HTTP\/1\.1 100 Continue/);
  });
});

describe('nginx', { skip: missing('nginx', 'curl') }, () => {
  let shell: MeshShell;

  before(async () => {
    const root = join(mesh.directory, 'nginx');
    mkdirSync(root);
    // Its workers run as somebody else when the test is root.
    chmodSync(mesh.directory, 0o755);
    writeFileSync(join(root, 'hello'), 'hello from nginx\n');
    writeFileSync(join(root, 'numbers'), Array.from({ length: 100_000 }, (_, i) => `${i}\n`).join(''));
    const port = await freePort();
    const config = join(root, 'nginx.conf');
    writeFileSync(
      config,
      `daemon off; pid ${root}/nginx.pid; error_log stderr warn;
       events { worker_connections 256; }
       http {
         access_log off; gzip on; gzip_min_length 1; gzip_types *;
         client_body_temp_path ${root}/body; proxy_temp_path ${root}/proxy; fastcgi_temp_path ${root}/fastcgi;
         uwsgi_temp_path ${root}/uwsgi; scgi_temp_path ${root}/scgi;
         server { listen 127.0.0.1:${port}; root ${root}; location = /moved { return 302 /hello; } }
       }`,
    );
    await mesh.serve({ service: 'shopfront', ports: [port] }, program('nginx'), '-p', root, '-c', config);
    shell = await mesh.shell({ service: 'visitor', uses: ['shopfront'] });
  });

  test('serves files, redirects, ranges and compressed bodies as it does without a mesh', async () => {
    assert.equal(await shell.output('curl -sS -m 10 -L http://shopfront/moved'), 'hello from nginx\n');
    assert.equal(await shell.output('curl -sS -m 10 -r 6-9 http://shopfront/hello'), 'from');
    const plain = await shell.output('curl -sS -m 10 http://shopfront/numbers | md5sum');
    const gzipped = await shell.output('curl -sS -m 10 --compressed http://shopfront/numbers | md5sum');
    assert.equal(gzipped, plain);
    assert.match(
      await shell.output(`curl -sS -m 10 -H 'Accept-Encoding: gzip' -D - -o /dev/null http://shopfront/numbers`),
      /transfer-encoding: chunked/i,
    );
    await mesh.assertSecure('shopfront', 'requests', 'inbound', ['visitor', 'shopfront'], 6);
  });

  test('closes nothing while hundreds of requests follow each other on kept connections', async () => {
    const config = `${mesh.directory}/many.curl`;
    writeFileSync(
      config,
      Array.from({ length: 400 }, () => 'url = "http://shopfront/hello"\noutput = "/dev/null"\n').join(''),
    );
    const codes = await shell.output(
      `curl -sS -m 30 -Z --parallel-max 20 -w '%{http_code}\\n' -K '${config}' | sort | uniq -c`,
    );
    assert.equal(codes.trim().replace(/ +/g, ' '), '400 200');
  });
});
