/** What `weft run` promises to an application and its callers: exit codes, gates, and the order of the end. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const apps = join(import.meta.dirname, 'apps');
const HELLO = `require('node:http').createServer((_, r) => r.end('hello\\n')).listen(Number(process.argv[1]), '127.0.0.1')`;

const mesh = new LiveMesh();

before(async () => {
  await mesh.start();
  const port = await freePort();
  await mesh.serve({ service: 'catalog', ports: [port] }, process.execPath, '-e', HELLO, String(port));
});
after(() => mesh.close());

async function exitOf(child: Child): Promise<number> {
  return (await child.finished(30_000)).code;
}

test('the exit code is the application’s own', async () => {
  const codes = await Promise.all([
    exitOf(mesh.run({ service: 'a', name: 'a1' }, 'sh', '-c', 'exit 0')),
    exitOf(mesh.run({ service: 'a', name: 'a2' }, 'sh', '-c', 'exit 42')),
    exitOf(mesh.run({ service: 'a', name: 'a3' }, 'sh', '-c', 'kill -9 $$')),
    exitOf(mesh.run({ service: 'a', name: 'a4' }, 'no-such-program-anywhere')),
    exitOf(mesh.run({ service: 'a', name: 'a5' }, '/')),
  ]);
  assert.deepEqual(codes, [0, 42, 137, 127, 126]);
});

test('a workload that has ended leaves no record, and none of its keys under a name that was made up', async () => {
  assert.equal(await mesh.workload('a2'), null);
  const child = mesh.weftChild(['run', '--service', 'passing', '--', 'true']);
  assert.equal(await exitOf(child), 0);
  const { stdout } = await mesh.weft(['get', 'workloads', '-o', 'json']);
  assert.doesNotMatch(stdout, /"passing/);
  assert.doesNotMatch(readdirText(join(mesh.stateDir, 'workloads/default')), /^passing/m);
});

test('the application gets standard input, arguments and directory as without a mesh, and no word of how it joined', async () => {
  const child = mesh.run(
    { service: 'plain', cwd: mesh.directory, env: { MINE: 'kept', WEFT_TOKEN: 'weft-join-0.secret' } },
    ...['sh', '-c', 'cat; echo "$1|$(pwd)|$MINE|$WEFT_TOKEN|"', 'sh', 'two words'],
  );
  child.write('from outside\n');
  child.endInput();
  const { code, stdout } = await child.finished();
  assert.deepEqual({ code, stdout }, { code: 0, stdout: `from outside\ntwo words|${mesh.directory}|kept||\n` });
});

test('the first line of the application runs when the mesh is there: its first call succeeds', {
  skip: missing('curl'),
}, async () => {
  const first = 'curl -sS -m 5 http://catalog/ && curl -sS -m 5 "http://$CATALOG_SERVICE_HOST:$CATALOG_SERVICE_PORT/"';
  const runs = [1, 2, 3].map((i) =>
    mesh.run({ service: 'eager', name: `eager-${i}`, uses: ['catalog'] }, 'sh', '-c', first),
  );
  for (const run of runs) {
    const { code, stdout, stderr } = await run.finished(30_000);
    assert.deepEqual({ code, stdout }, { code: 0, stdout: 'hello\nhello\n' }, stderr);
  }
});

test('a workload takes traffic only from when its port answers', { skip: missing('curl') }, async () => {
  const port = await freePort();
  const gate = join(mesh.directory, 'gate');
  const late = `const wait = setInterval(() => { if (!require('node:fs').existsSync(process.argv[2])) return; clearInterval(wait); ${HELLO}; }, 50)`;
  const child = mesh.run({ service: 'late', ports: [port] }, process.execPath, '-e', late, String(port), gate);
  await until('late is registered', 20_000, () => mesh.workload('late'));
  await child.said(/proxy ready/);
  const shell = await mesh.shell({ service: 'impatient', uses: ['late'] });
  const call = `curl -sS -m 5 -w ' %{http_code}' http://late/`;
  await sleep(500);
  assert.notEqual((await mesh.workload('late'))?.status?.ready, true);
  assert.match(await shell.output(call), /no healthy|no endpoint.* 503$/is);
  writeFileSync(gate, '');
  await mesh.ready('late', child);
  await until('a caller has heard of it', 5_000, async () => (await shell.output(call)) === 'hello\n 200');
});

test('a port that is found by itself serves as one that was named', { skip: missing('curl') }, async () => {
  const port = await freePort();
  await mesh.serve({ service: 'found', ports: ['auto'] }, process.execPath, '-e', HELLO, String(port));
  const shell = await mesh.shell({ service: 'seeker', uses: ['found'] });
  assert.equal(await shell.output('curl -sS -m 5 http://found/'), 'hello\n');
});

test('on SIGTERM it leaves the endpoints, waits until callers know, tells the application, and keeps its way out open', {
  skip: missing('curl'),
}, async () => {
  const file = join(mesh.directory, 'leaving.log');
  const port = await freePort();
  const command = [process.execPath, join(apps, 'leaving.mjs'), String(port), 'http://catalog/', file];
  const child = await mesh.serve({ service: 'leaving', uses: ['catalog'], ports: [port] }, ...command);
  const shell = await mesh.shell({ service: 'caller', uses: ['leaving'] });
  assert.equal(await shell.output('curl -sS -m 5 http://leaving/'), 'here\n');

  const changes = watchReadiness(mesh, 'leaving');
  child.signal('SIGTERM');
  const notes = await until('the application is signalled', 10_000, () => {
    const lines = readFileSync(file, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { what: string; atMs: number });
    return lines.some(({ what }) => what === 'signalled') && lines;
  });
  // It still runs, and its callers have been told: nobody reaches it any more.
  assert.match(await shell.output(`curl -sS -m 5 -o /dev/null -w '%{http_code}' http://leaving/`), /503/);
  const { code, stderr } = await child.finished(20_000);
  assert.equal(code, 3);
  assert.match(stderr, /"acknowledged":true[^\n]*"message":"leaving"/);
  assert.match(readFileSync(file, 'utf8'), /"outbound 200"/);
  const signalledAtMs = notes.find(({ what }) => what === 'signalled')?.atMs ?? 0;
  const unreadyAtMs = (await changes.stop()).find(({ ready }) => !ready)?.atMs ?? Number.POSITIVE_INFINITY;
  assert.ok(unreadyAtMs <= signalledAtMs + 20, `not ready at ${unreadyAtMs}, signalled at ${signalledAtMs}`);
  assert.equal(await mesh.workload('leaving'), null);
});

test('instances come and go under load, and no request fails', { timeout: 90_000 }, async () => {
  const start = async (name: string) => {
    const port = await freePort();
    // Instances on one machine have different ports: the name is what they share.
    return mesh.serve(
      { service: 'rolling', name, ports: [`http=${port}`] },
      process.execPath,
      '-e',
      HELLO,
      String(port),
    );
  };
  let old = [await start('rolling-1'), await start('rolling-2')];
  const load = join(mesh.directory, 'load.mjs');
  const stop = join(mesh.directory, 'stop-load');
  writeFileSync(
    load,
    `import { existsSync } from 'node:fs';
     const seen = {};
     const worker = async () => {
       while (!existsSync(process.argv[2])) {
         const key = await fetch('http://rolling/').then((r) => r.text().then((text) => r.status === 200 ? '200' : r.status + ' ' + text), (e) => String(e.cause ?? e));
         seen[key] = (seen[key] ?? 0) + 1;
         await new Promise((resolve) => setTimeout(resolve, 5));
       }
     };
     await Promise.all([worker(), worker(), worker(), worker()]);
     console.log(JSON.stringify(seen));`,
  );
  const caller = mesh.run({ service: 'roller', uses: ['rolling'] }, process.execPath, load, stop);
  await caller.said(/proxy ready/);
  await sleep(500);
  for (const generation of [3, 5]) {
    const young = [await start(`rolling-${generation}`), await start(`rolling-${generation + 1}`)];
    for (const child of old) {
      child.signal('SIGTERM');
      assert.equal(await exitOf(child), 143);
    }
    old = young;
  }
  writeFileSync(stop, '');
  const { code, stdout, stderr } = await caller.finished();
  assert.equal(code, 0, stderr);
  const seen = JSON.parse(stdout) as Record<string, number>;
  assert.deepEqual(Object.keys(seen), ['200'], stdout);
  assert.ok((seen['200'] ?? 0) > 100, stdout);
});

test('SIGTERM ends it whatever it is doing: idle, in a tunnel, with a request that never ends', {
  skip: missing('curl'),
}, async () => {
  const port = await freePort();
  const hanging = `const s = require('node:net').createServer((c) => c.on('error', () => {})); s.listen(Number(process.argv[1]), '127.0.0.1')`;
  const child = await mesh.serve({ service: 'hanging', ports: [port] }, process.execPath, '-e', hanging, String(port));
  const shell = await mesh.shell({ service: 'patient', uses: ['hanging', 'catalog'] });
  await shell.output(
    `curl -s -m 60 http://hanging/ >/dev/null 2>&1 & curl -s -m 60 -p http://hanging/ >/dev/null 2>&1 & sleep 1`,
  );
  const startedAtMs = Date.now();
  child.signal('SIGTERM');
  assert.equal(await exitOf(child), 143);
  assert.ok(Date.now() - startedAtMs < 12_000, `took ${Date.now() - startedAtMs} ms`);
  shell.child.signal('SIGTERM');
  assert.equal(await exitOf(shell.child), 143);
});

test('an application that ignores SIGTERM is killed when asked thrice, and its children with it', async () => {
  const mark = join(mesh.directory, 'stubborn.pid');
  const script = `trap '' TERM; sh -c 'trap "" TERM; echo $$ > ${mark}; while :; do sleep 0.2; done'`;
  const child = mesh.run({ service: 'stubborn' }, 'sh', '-c', script);
  await until('it runs', 20_000, () => existsSync(mark) && readFileSync(mark, 'utf8').trim() !== '');
  for (let i = 0; i < 3; i++) {
    child.signal('SIGTERM');
    await sleep(200);
  }
  assert.equal(await exitOf(child), 137);
  const pid = Number(readFileSync(mark, 'utf8'));
  await until('its child is gone', 5_000, () => !isRunning(pid));
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function readdirText(path: string): string {
  return existsSync(path) ? readdirSync(path).join('\n') : '';
}

/** Asks often, beside the mesh: what the control plane says of the workload, and when. */
function watchReadiness(of: LiveMesh, name: string) {
  const seen: { ready: boolean; atMs: number }[] = [];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const ready = (await of.workload(name))?.status?.ready === true;
      seen.push({ ready, atMs: Date.now() });
      await sleep(5);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await running;
      return seen;
    },
  };
}

test('two instances on one machine listen on different numbers, and both serve', {
  skip: missing('curl'),
}, async () => {
  const instance = async (name: string) => {
    const port = await freePort();
    const program = `require('node:http').createServer((_, r) => r.end('${name}\\n')).listen(${port}, '127.0.0.1')`;
    return mesh.serve({ service: 'pair', name, ports: [port] }, process.execPath, '-e', program);
  };
  await instance('pair-a');
  await instance('pair-b');
  const caller = await mesh.shell({ service: 'pair-caller', uses: ['pair'] });
  await until('both have answered', 10_000, async () => {
    const { stdout } = await caller.exec('for i in 1 2 3 4 5 6 7 8 9 10; do curl -s http://pair/; done');
    return /pair-a/.test(stdout) && /pair-b/.test(stdout);
  });
});

test('a namespace that does not exist is made for the first workload in it', async () => {
  const child = mesh.weftChild(['run', '-n', 'fresh', '--service', 'first', '--', 'true']);
  assert.equal(await exitOf(child), 0, child.stderr);
  assert.equal((await mesh.api('GET', '/api/v1/namespaces/fresh')).status, 200);
});
