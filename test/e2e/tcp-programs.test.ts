/** Databases and a mail server, unchanged, over plain TCP under `weft run`: detected or declared, carried with mTLS. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing, program } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const apps = join(import.meta.dirname, 'apps');

const mesh = new LiveMesh();

before(async () => {
  await mesh.start();
  // Servers that refuse to be root run as somebody else.
  chmodSync(mesh.directory, 0o755);
});
after(() => mesh.close());

describe('Redis', { skip: missing('redis-server', 'redis-benchmark', 'redis-cli') }, () => {
  let shell: MeshShell;

  before(async () => {
    const port = await freePort();
    const quiet = ['--save', '', '--appendonly', 'no', '--bind', '127.0.0.1', '--dir', mesh.directory];
    await mesh.serve({ service: 'cache', ports: [port] }, program('redis-server'), '--port', String(port), ...quiet);
    shell = await mesh.shell({ service: 'cart', uses: ['cache'] });
  });

  test('keeps what redis-cli gives it', async () => {
    const cli = 'redis-cli -h "$CACHE_SERVICE_HOST" -p "$CACHE_SERVICE_PORT"';
    assert.match(await shell.output(`${cli} set greeting "hello mesh"`), /OK/);
    assert.match(await shell.output(`${cli} get greeting`), /hello mesh/);
    await mesh.assertSecure('cache', 'tcp_connections', 'inbound', ['cart', 'cache'], 2);
    await mesh.assertSecure('cart', 'tcp_connections', 'outbound', ['cart', 'cache'], 2);
  });

  test('serves redis-benchmark: many connections, and pipelines of commands', async () => {
    const benchmark = 'redis-benchmark -h "$CACHE_SERVICE_HOST" -p "$CACHE_SERVICE_PORT" --csv';
    const before = await mesh.count('cache', 'weft_tcp_connections_total', { mtls: 'yes' });
    const rows = await shell.output(
      `${benchmark} -t ping,set,get -n 5000 -c 25 && ${benchmark} -t set,get,lrange_100 -n 5000 -c 10 -P 16`,
      60_000,
    );
    for (const name of ['PING_MBULK', 'SET', 'GET']) assert.match(rows, new RegExp(`^"${name}","\\d`, 'm'));
    await mesh.assertSecure('cache', 'tcp_connections', 'inbound', ['cart', 'cache'], before + 50);
  });

  test('a value of 20 MB goes there and back unchanged', async () => {
    const cli = 'redis-cli -h "$CACHE_SERVICE_HOST" -p "$CACHE_SERVICE_PORT"';
    const script = `head -c 20000000 /dev/urandom | base64 -w 0 > '${mesh.directory}/large'
      ${cli} -x set large < '${mesh.directory}/large' && ${cli} get large | head -c -1 | cmp - '${mesh.directory}/large'`;
    assert.match(await shell.output(script), /OK/);
  });
});

describe('PostgreSQL', { skip: missing('initdb', 'postgres', 'psql', 'pgbench', 'setpriv') }, () => {
  const client = 'PGCONNECT_TIMEOUT=10 PGUSER=mesh PGDATABASE=postgres';
  const target = '-h "$DB_SERVICE_HOST" -p "$DB_SERVICE_PORT"';
  let shell: MeshShell;

  before(async () => {
    const data = join(mesh.directory, 'pg');
    mkdirSync(data, { mode: 0o700 });
    const asServer = unprivileged(data);
    const [init = '', ...initArgs] = [
      ...asServer,
      ...[program('initdb'), '-D', data, '-U', 'mesh', '--auth=trust', '--no-sync', '-E', 'UTF8', '--locale=C'],
    ];
    execFileSync(init, initArgs, { timeout: 60_000, stdio: 'pipe', cwd: '/' });
    const port = await freePort();
    const settings = ['-c', 'fsync=off', '-c', 'listen_addresses=127.0.0.1', '-c', `unix_socket_directories=${data}`];
    const command = [...asServer, program('postgres'), '-D', data, '-p', String(port), ...settings];
    await mesh.serve({ service: 'db', ports: [`${port}:tcp`], cwd: '/' }, ...command);
    shell = await mesh.shell({ service: 'shop', uses: ['db'] });
  });

  test('answers psql, which asks for TLS first and is told no by the server itself', async () => {
    const got = await shell.output(`${client} psql ${target} -Atc 'select 6 * 7, inet_client_addr()'`);
    assert.equal(got.trim(), '42|127.0.0.1');
    await mesh.assertSecure('db', 'tcp_connections', 'inbound', ['shop', 'db']);
    await mesh.assertSecure('shop', 'tcp_connections', 'outbound', ['shop', 'db']);
  });

  test('carries pgbench for some seconds without one failed transaction', async () => {
    const bench = `${client} pgbench ${target}`;
    const output = await shell.output(`${bench} -q -i -s 1 2>&1 && ${bench} -c 4 -j 2 -T 4 2>&1`, 60_000);
    assert.match(output, /number of failed transactions: 0 /);
    assert.ok(Number(/number of transactions actually processed: (\d+)/.exec(output)?.[1]) > 50, output);
    await mesh.assertSecure('db', 'tcp_connections', 'inbound', ['shop', 'db'], 5);
  });

  test('a result of some megabytes and a COPY of it back are whole', async () => {
    const sum = await shell.output(
      `export ${client}; psql ${target} -Atc "copy (select g, repeat(md5(g::text), 8) from generate_series(1, 20000) g) to stdout" > '${mesh.directory}/rows' &&
       psql ${target} -qc 'create table rows (g int, t text)' && psql ${target} -qc 'copy rows from stdin' < '${mesh.directory}/rows' &&
       psql ${target} -Atc 'select count(*), sum(length(t)) from rows'`,
    );
    assert.equal(sum.trim(), '20000|5120000');
  });
});

describe('a mail server, which speaks first', { skip: missing('curl', 'python3') }, () => {
  for (const [service, protocol] of [
    ['mail', ''],
    ['mail-tcp', ':tcp'],
  ] as const) {
    const how = protocol === '' ? 'on a port whose protocol must be detected' : 'on a port declared as TCP';

    test(`takes mail of curl ${how}`, async () => {
      const port = await freePort();
      const kept = join(mesh.directory, `${service}.txt`);
      await mesh.serve(
        { service, ports: [`${port}${protocol}`] },
        process.execPath,
        join(apps, 'smtp-server.mjs'),
        String(port),
        kept,
      );
      const shell = await mesh.shell({ service: `sender-${service}`, uses: [service] });
      const letter = join(mesh.directory, `${service}.letter`);
      writeFileSync(letter, 'Subject: hello\r\n\r\nthrough the mesh\r\n');
      const name = service.toUpperCase().replace('-', '_');
      const url = `"smtp://$${name}_SERVICE_HOST:$${name}_SERVICE_PORT"`;
      await shell.output(`curl -sS -m 10 ${url} --mail-from a@test --mail-rcpt b@test -T '${letter}'`);
      assert.ok(existsSync(kept));
      assert.match(readFileSync(kept, 'utf8'), /through the mesh/);
      await mesh.assertSecure(service, 'tcp_connections', 'inbound', [`sender-${service}`, service]);
      await mesh.assertSecure(`sender-${service}`, 'tcp_connections', 'outbound', [`sender-${service}`, service]);

      // The caller is silent at first: nobody may wait for it longer than detection does.
      const timed = `import os, smtplib, time
t = time.time()
smtplib.SMTP(os.environ['${name}_SERVICE_HOST'], int(os.environ['${name}_SERVICE_PORT']), timeout=10).quit()
print(int((time.time() - t) * 1000))`;
      const script = join(mesh.directory, 'timed.py');
      writeFileSync(script, timed);
      const tookMs = Number(await shell.output(`python3 '${script}'`));
      assert.ok(tookMs < 2_000, `the greeting took ${tookMs} ms`);
    });
  }
});

/** PostgreSQL refuses to be root: the words to put before a command that may not be, once it owns the directory. */
function unprivileged(directory: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const ids = ['postgres', 'nobody'].map((user) => {
    try {
      return Number(execFileSync('id', ['-u', user], { encoding: 'utf8', stdio: 'pipe' }));
    } catch {
      return 0;
    }
  });
  const uid = ids.find((id) => id > 0) ?? 65_534;
  chownSync(directory, uid, uid);
  return [program('setpriv'), `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
}
