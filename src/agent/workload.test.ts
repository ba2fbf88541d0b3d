import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { isWeftError } from '../core/errors.ts';
import { RecordingLog } from '../core/log.ts';
import { processKeyMaker } from '../identity/key-maker.ts';
import { createNodeRuntime } from '../runtime/node/runtime.ts';
import type { SidecarOptions } from './sidecar.ts';
import { FakeControlPlane } from './testing/fake-control-plane.ts';
import { createTestCa } from './testing/test-ca.ts';
import { startWorkload, type WorkloadOptions } from './workload.ts';

const runtime = createNodeRuntime();
const stateDir = mkdtempSync(join(tmpdir(), 'weft-agent-'));
after(() => rmSync(stateDir, { recursive: true }));
const ca = await createTestCa();
let names = 0;

function bench(command: readonly string[], rest: Partial<WorkloadOptions> = {}) {
  const controlPlane = new FakeControlPlane(ca.rootPem, ca.certify, runtime.clock);
  const log = new RecordingLog();
  const output: string[] = [];
  const steps: string[] = [];
  const sidecars: SidecarOptions[] = [];
  const ready = Promise.withResolvers<void>();
  names += 1;
  const options: WorkloadOptions = {
    runtime,
    log,
    keyMaker: processKeyMaker,
    platform: process.platform,
    connect: () => controlPlane,
    joinToken: async () => 'good',
    startSidecar: async (sidecar) => {
      sidecars.push(sidecar);
      return {
        ready: ready.promise,
        settle: async () => void steps.push('settle sidecar'),
        drain: async () => void steps.push('drain sidecar'),
        close: async () => void steps.push('close sidecar'),
      };
    },
    stateDir,
    namespace: 'shop',
    workload: `catalog-${names}`,
    service: 'catalog',
    account: 'catalog',
    version: 'v1',
    labels: {},
    address: '127.0.0.1',
    ports: [],
    proxyKind: 'weft',
    uses: null,
    locality: null,
    command,
    env: { PATH: process.env['PATH'], no_proxy: 'intra' },
    onOutput: (_, line) => void output.push(line),
    nodePreloadPath: null,
    graceMs: 5_000,
    patienceMs: 0,
    ...rest,
  };
  return { controlPlane, log, output, steps, sidecars, options, ready };
}

const server = "require('net').createServer((c) => c.end('hi')).listen(Number(process.argv[1] || 0), '127.0.0.1')";

describe('workload', () => {
  it('runs an application with the environment of the mesh and returns its exit code', async () => {
    const { controlPlane, ready, output, sidecars, steps, options } = bench(['sh', '-c', 'env; exit 9']);
    controlPlane.known = [{ namespace: 'shop', name: 'stock', ports: [{ name: 'http', port: 80 }] }];
    ready.resolve();
    assert.equal(await startWorkload(options).exitCode, 9);
    const env = new Map(output.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
    const record = controlPlane.records[0];
    assert.equal(env.get('http_proxy'), `http://127.0.0.1:${record?.spec?.capture?.httpProxyPort}`);
    assert.equal(env.get('STOCK_SERVICE_HOST'), record?.spec?.capture?.vips?.[0]?.address);
    assert.equal(env.get('STOCK_SERVICE_PORT'), '20001');
    assert.match(env.get('no_proxy') ?? '', /,intra$/);
    assert.equal(sidecars[0]?.admin.port, record?.spec?.adminPort);
    assert.equal(sidecars[0]?.svid.current()?.id, 'spiffe://weft.local/ns/shop/sa/catalog');
    assert.deepEqual(sidecars[0]?.node, {
      id: `shop/${options.workload}`,
      cluster: 'catalog',
      metadata: { kind: 'weft' },
    });
    assert.deepEqual(steps, ['drain sidecar', 'close sidecar']);
    assert.deepEqual(controlPlane.calls.at(-1), 'deregister');
  });

  it('says of which kind its data plane is, in the record and to the data plane', async () => {
    const { controlPlane, ready, sidecars, options } = bench(['true'], { proxyKind: 'envoy' });
    ready.resolve();
    assert.equal(await startWorkload(options).exitCode, 0);
    assert.equal(controlPlane.records[0]?.spec?.proxy, 'envoy');
    assert.deepEqual(sidecars[0]?.node.metadata, { kind: 'envoy' });
  });

  it('leads nothing through a proxy where there is none: ports are the application’s own, and it is told where xDS is', async () => {
    const code = `${server}; setInterval(() => console.log(Object.entries(process.env).map((e) => e.join('=')).join(' ')), 20)`;
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const { controlPlane, ready, output, options } = bench(['node', '-e', code, String(port)], {
      proxyKind: 'grpc',
      ports: [{ name: '', port, protocol: 'grpc' }],
    });
    controlPlane.known = [{ namespace: 'shop', name: 'stock', ports: [{ name: 'http', port: 80 }] }];
    const { startSidecar } = options;
    const running = startWorkload({
      ...options,
      startSidecar: async (given) => ({ ...(await startSidecar(given)), environment: { GRPC_XDS_BOOTSTRAP: '/x' } }),
    });
    ready.resolve();
    while (output.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    running.stop('SIGTERM');
    assert.equal(await running.exitCode, 143);
    const { spec } = controlPlane.records[0] ?? {};
    assert.deepEqual(spec?.ports, [{ name: 'main', port, protocol: 'grpc' }]);
    assert.deepEqual([spec?.proxy, spec?.capture, spec?.adminPort], ['grpc', undefined, undefined]);
    assert.match(output[0] ?? '', /GRPC_XDS_BOOTSTRAP=\/x/);
    assert.doesNotMatch(output[0] ?? '', /http_proxy=|STOCK_SERVICE_HOST/);
  });

  it('is refused while another of its name lives, and takes up the name when that has ended', async () => {
    const first = bench(['sleep', '30']);
    first.ready.resolve();
    const running = startWorkload(first.options);
    while (first.sidecars.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    const same = { workload: first.options.workload };
    const second = bench(['echo', 'started'], same);
    second.ready.resolve();
    await assert.rejects(startWorkload(second.options).exitCode, /runs already/);
    assert.deepEqual([second.output, second.controlPlane.calls], [[], []]);
    running.stop('SIGTERM');
    assert.equal(await running.exitCode, 143);
    const third = bench(['echo', 'started'], same);
    third.ready.resolve();
    assert.equal(await startWorkload(third.options).exitCode, 0);
  });

  it('starts the application only when the sidecar is ready', async () => {
    const { ready, output, sidecars, options } = bench(['echo', 'started']);
    const running = startWorkload(options);
    while (sidecars.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.deepEqual(output, []);
    ready.resolve();
    assert.equal(await running.exitCode, 0);
    assert.deepEqual(output, ['started']);
  });

  it('gives its own sidecar thirty seconds, and one that somebody else starts as long as that takes', async () => {
    const { clock } = runtime;
    const wake = (at: number, run: () => void): (() => void) =>
      clock.wake(Math.abs(at - clock.now() - 30_000) < 1_000 ? clock.now() : at, run);
    const hurried = { ...runtime, clock: { now: () => clock.now(), wall: () => clock.wall(), wake } };
    const own = bench(['echo', 'started'], { runtime: hurried });
    await assert.rejects(startWorkload(own.options).exitCode, /no configuration after 30 s/);
    const { options, sidecars, ready, output } = bench(['echo', 'started'], { runtime: hurried });
    const { startSidecar } = options;
    const external: WorkloadOptions['startSidecar'] = async (given) => ({
      ...(await startSidecar(given)),
      isExternal: true,
    });
    const running = startWorkload({ ...options, startSidecar: external });
    while (sidecars.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await new Promise((resolve) => setTimeout(resolve, 100));
    ready.resolve();
    assert.equal(await running.exitCode, 0);
    assert.deepEqual(output, ['started']);
  });

  it('is ready when its port answers, and on SIGTERM leaves before the application is told', async () => {
    const { controlPlane, ready, options } = bench([process.execPath, '-e', server, '0'], { ports: 'auto' });
    controlPlane.drainMs = 100;
    ready.resolve();
    const running = startWorkload(options);
    assert.equal(await running.ready, true);
    const port = controlPlane.records.at(-1)?.spec?.ports[0]?.port;
    while (!controlPlane.calls.includes('lease ready')) await new Promise((resolve) => setTimeout(resolve, 5));
    const found = controlPlane.records.at(-1)?.spec?.ports[0] ?? { port };
    assert.ok((found.port ?? 0) > 0);
    running.stop('SIGTERM');
    assert.equal(await running.exitCode, 143);
    const calls = controlPlane.calls.filter((call) => !call.endsWith('answered lease'));
    assert.ok(calls.indexOf('lease not ready drain') > calls.indexOf('lease ready'));
    assert.ok(calls.indexOf('answered drain') < calls.indexOf('deregister'));
  });

  it('starts from disk while the control plane is away, with the same ports and the same SVID', async () => {
    const first = bench(['true']);
    first.controlPlane.known = [{ namespace: 'shop', name: 'stock', ports: [{ name: '', port: 80 }] }];
    first.ready.resolve();
    assert.equal(await startWorkload(first.options).exitCode, 0);
    const again = bench(['sh', '-c', 'echo $http_proxy $STOCK_SERVICE_HOST:$STOCK_SERVICE_PORT'], {
      workload: first.options.workload,
    });
    again.controlPlane.away = true;
    again.ready.resolve();
    assert.equal(await startWorkload(again.options).exitCode, 0);
    const capture = first.controlPlane.records[0]?.spec?.capture;
    const vip = capture?.vips?.[0];
    assert.deepEqual(again.output, [`http://127.0.0.1:${capture?.httpProxyPort} ${vip?.address}:${vip?.vipPort}`]);
    assert.equal(again.sidecars[0]?.svid.current()?.notAfter, first.sidecars[0]?.svid.current()?.notAfter);
  });

  it('keeps key and certificate on disk for its user alone', async () => {
    const { ready, options } = bench(['true']);
    ready.resolve();
    await startWorkload(options).exitCode;
    const path = join(stateDir, 'workloads', 'shop', options.workload, 'svid.json');
    assert.equal(statSync(path).mode & 0o777, 0o600);
    assert.match(readFileSync(path, 'utf8'), /PRIVATE KEY/);
  });

  it('does not start without an identity: a used token, a control plane that is away, a foreign CA', async () => {
    const used = bench(['true'], { joinToken: async () => 'used' });
    await assert.rejects(startWorkload(used.options).exitCode, (error) => isWeftError(error, 'unauthenticated'));
    const away = bench(['true']);
    away.controlPlane.away = true;
    await assert.rejects(startWorkload(away.options).exitCode, (error) => isWeftError(error, 'unavailable'));
    const foreign = await createTestCa();
    const cheated = bench(['true']);
    const other = new FakeControlPlane(foreign.rootPem, ca.certify, runtime.clock);
    await assert.rejects(startWorkload({ ...cheated.options, connect: () => other }).exitCode, /no trusted root/);
    for (const each of [used, away, cheated]) assert.deepEqual(each.sidecars, []);
  });

  it('stopped before its application runs ends at once, and leaves no record', async () => {
    const { controlPlane, options, sidecars } = bench(['echo', 'never']);
    const running = startWorkload(options);
    while (sidecars.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    running.stop('SIGINT');
    assert.equal(await running.exitCode, 130);
    assert.equal(await running.ready, false);
    assert.equal(controlPlane.calls.at(-1), 'deregister');
  });
});
