/** `weft run --proxy envoy` with a real Envoy: where its secrets are not, and what happens when one of the two dies. */
import assert from 'node:assert/strict';
import { globSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { member, type Member, startClient } from '../faults/shop.ts';
import { Child, until } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const APP = join(import.meta.dirname, '../faults/app.fixture.ts');

describe('a workload behind Envoy', { skip: missing('envoy') }, () => {
  const mesh = new LiveMesh();
  let client: Member;
  let catalog: Member;
  let port = 0;

  async function start(): Promise<Member> {
    const flags = ['--proxy', 'envoy'];
    const env = { PORT: String(port), NAME: 'catalog-1' };
    const options = { service: 'catalog', name: 'catalog-1', ports: [`web=${port}:http`], flags, env };
    const child = mesh.run(options, process.execPath, APP);
    // One of this name may have been ready before.
    await child.said(/"message":"proxy ready"/);
    await child.said(/^app catalog-1/m);
    await mesh.ready('catalog-1', child);
    return member(mesh, 'catalog-1', child);
  }

  function ask(path = '/'): Promise<Response> {
    const { host, port: vipPort } = client.vip('catalog');
    return fetch(`http://${host}:${vipPort}${path}`);
  }

  function runFile(name: string): string {
    const [found] = globSync(join(mesh.stateDir, 'run', '*', name));
    assert.ok(found !== undefined, `${name} is not there`);
    return found;
  }

  function envoyPid(): number {
    return Number(readFileSync(runFile('envoy.pid'), 'utf8'));
  }

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ');
    } catch {
      return false;
    }
  }

  before(async () => {
    await mesh.start();
    port = await freePort();
    catalog = await start();
    client = await startClient(mesh, ['catalog']);
  });
  after(() => mesh.close());

  test('without an Envoy it says what is missing, where it looked and what to do, and starts nothing', async () => {
    const flags = ['--proxy', 'envoy', '--envoy-path', '/nowhere/envoy'];
    const child: Child = mesh.run({ service: 'lonely', flags }, 'sh', '-c', 'echo started');
    const { code, stdout, stderr } = await child.finished();
    assert.notEqual(code, 0);
    assert.ok(!stdout.includes('started'));
    for (const part of [/Envoy was not found/, /\/nowhere\/envoy/, /--envoy-path/]) assert.match(stderr, part);
  });

  test('its secrets are in no file, argument or variable of Envoy’s, and its socket is nobody else’s', () => {
    const socket = runFile('xds.sock');
    assert.deepEqual([statSync(socket).mode & 0o777, statSync(dirname(socket)).mode & 0o777], [0o600, 0o700]);
    const bootstrap = readFileSync(runFile('envoy.json'), 'utf8');
    const process = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${envoyPid()}/${name}`, 'utf8'));
    for (const text of [bootstrap, ...process]) assert.ok(!/PRIVATE KEY|BEGIN CERT|WEFT_TOKEN/.test(text));
  });

  test('an Envoy that dies is started again', async () => {
    const before = envoyPid();
    process.kill(before, 'SIGKILL');
    await until('another has its place', 15_000, () => envoyPid() !== before);
    await until('it serves', 15_000, async () => (await ask()).status === 200);
    assert.match(catalog.child.stderr, /Envoy has ended and is started again/);
  });

  test('an Envoy that outlived its agent is ended by the next one of that name', async () => {
    const left = envoyPid();
    await catalog.kill();
    assert.ok(isAlive(left), 'nobody has ended it');
    catalog = await start();
    assert.ok(!isAlive(left));
    assert.match(catalog.child.stderr, /was left behind/);
    await until('the next one serves', 15_000, async () => (await ask()).status === 200);
  });

  test('with --external-envoy the application waits for an Envoy that a user starts with the bootstrap', async () => {
    const externalPort = await freePort();
    const flags = ['--proxy', 'envoy', '--external-envoy'];
    const env = { PORT: String(externalPort), NAME: 'stock-1' };
    const options = { service: 'stock', name: 'stock-1', ports: [`web=${externalPort}:http`], flags, env };
    const child = mesh.run(options, process.execPath, APP);
    await child.said(/waiting for an Envoy that is started with this bootstrap/);
    const { stdout } = await mesh.weft(['bootstrap', 'envoy', 'stock-1']);
    const path = join(mesh.directory, 'own-envoy.json');
    writeFileSync(path, stdout);
    assert.ok(!child.stdout.includes('app stock-1'), 'the application waits');
    mesh.adopt(new Child(program('envoy'), ['-c', path, '--disable-hot-restart', '--concurrency', '1', '-l', 'error']));
    await child.said(/^app stock-1/m);
    await mesh.ready('stock-1', child);
    const answer = await mesh.weft(['run', '--service', 'asker', '--', 'curl', '-s', 'http://stock/']);
    assert.match(answer.stdout, /stock-1/);
    assert.ok(await child.stop());
  });

  test('what is under way when it is told to end is answered, and nothing is left of it', async () => {
    const pid = envoyPid();
    const slow = ask('/?delay=1500');
    const active = `cluster.inbound|${port}.upstream_rq_active: 1`;
    await until('it is there', 10_000, async () => (await catalog.admin('/stats?filter=rq_active')).includes(active));
    const stopped = catalog.child.stop();
    assert.equal((await slow).status, 200);
    assert.ok(await stopped);
    assert.ok(!isAlive(pid));
    assert.doesNotMatch(catalog.child.stderr, /ENVOY_SIGTERM/, 'an end in order is no warning');
    assert.deepEqual(globSync(join(mesh.stateDir, 'run', '*', 'xds.sock')), []);
  });
});
