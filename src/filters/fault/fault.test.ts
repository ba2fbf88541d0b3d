/** Faults as a caller meets them, on the simulated clock, and what of Envoy's configuration is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forward, routesOf } from '../../../test/support/proxy-snapshots.ts';
import { get, responseOf, type SimMesh, startMesh } from '../../../test/support/sim-mesh.ts';
import { isWeftError } from '../../core/errors.ts';
import type { FaultAbort, FaultDelay, HTTPFault } from '../../xds/tables/messages.gen.ts';
import { HTTPFaultTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { fault } from './fault.ts';
import { readFault } from './read.ts';

const ALWAYS = { numerator: 100, denominator: 0 };
const NOTHING: HTTPFault = {
  delay: undefined,
  abort: undefined,
  upstreamCluster: '',
  headers: [],
  maxActiveFaults: undefined,
  responseRateLimit: undefined,
};

function filter(parts: Partial<HTTPFault>) {
  const config = encode(HTTPFaultTable, { ...NOTHING, ...parts });
  return { name: 'envoy.filters.http.fault', type: fault.types[0] ?? '', config, optional: false, disabled: false };
}

const delayOf = (ms: number, percentage: FaultDelay['percentage'] = ALWAYS): FaultDelay => ({
  faultDelaySecifier: { case: 'fixedDelay', value: ms },
  percentage,
});
const http = (value: number, percentage: FaultAbort['percentage'] = ALWAYS): FaultAbort => ({
  errorType: { case: 'httpStatus', value },
  percentage,
});
const grpc = (value: number): FaultAbort => ({ errorType: { case: 'grpcStatus', value }, percentage: ALWAYS });

const start = (parts: Partial<HTTPFault>, seed = 1): Promise<SimMesh> =>
  startMesh({ seed, manager: { filters: [filter(parts)] } });

async function ask(mesh: SimMesh, request = get('/')) {
  const peer = mesh.connect();
  const beganMs = mesh.sim.nowMs;
  peer.send(request);
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 120_000);
  const answer = responseOf(peer);
  const tookMs = mesh.sim.nowMs - beganMs;
  peer.connection.destroy('');
  return { tookMs, status: answer?.status, head: answer?.head ?? peer.text, body: answer?.body };
}

function counted(mesh: SimMesh, name: string, labels: Record<string, string> = {}): number {
  return mesh.web.telemetry.counters.counter(name, labels).value;
}

async function lines(mesh: SimMesh): Promise<string> {
  await mesh.web.close();
  return Buffer.from((await mesh.client.files.read('/access.log')) ?? []).toString('utf8');
}

test('a delay holds a request back for its time, then it is answered, and the log says why it took long', async () => {
  const mesh = await start({ delay: delayOf(2_000) });
  const { status, tookMs } = await ask(mesh);
  assert.equal(status, 200);
  assert.ok(tookMs >= 2_000 && tookMs < 2_200, String(tookMs));
  assert.equal(counted(mesh, 'weft_faults_injected_total', { fault: 'delay' }), 1);
  assert.match(await lines(mesh), /"flag":"DI".*"detail":"fault injected: delay of 2000 ms"/);
});

test('an abort answers in the place of the service, which hears nothing', async () => {
  const mesh = await start({ abort: http(418), delay: delayOf(500) });
  const { status, head, body, tookMs } = await ask(mesh);
  assert.equal(status, 418);
  assert.ok(tookMs >= 500);
  assert.match(head, /x-weft-flag: FI/);
  assert.match(body ?? '', /fault filter abort/);
  assert.equal(mesh.services[0]?.accepted, 0);
  assert.equal(counted(mesh, 'weft_faults_injected_total', { fault: 'abort' }), 1);
});

test('a gRPC caller is told the status that was asked for, or what gRPC makes of that of HTTP', async () => {
  const call = 'POST /a.B/C HTTP/1.1\r\nhost: catalog\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n';
  for (const [abort, status] of [
    [grpc(8), 8],
    [http(503), 14],
  ] as const) {
    const { head } = await ask(await start({ abort }), call);
    assert.match(head, /^HTTP\/1\.1 200 /);
    assert.match(head, new RegExp(`^grpc-status: ${status}\r$`, 'm'));
  }
});

test('requests without the headers pass', async () => {
  const headers = [
    {
      name: 'x-chaos',
      headerMatchSpecifier: {
        case: 'stringMatch' as const,
        value: { matchPattern: { case: 'exact' as const, value: 'yes' }, ignoreCase: false },
      },
      invertMatch: false,
      treatMissingHeaderAsEmpty: false,
    },
  ];
  const mesh = await start({ abort: http(503), headers });
  assert.equal((await ask(mesh)).status, 200);
  assert.equal((await ask(mesh, get('/', 'x-chaos: no\r\n'))).status, 200);
  assert.equal((await ask(mesh, get('/', 'x-chaos: yes\r\n'))).status, 503);
});

test('a share of requests is concerned, as many as the percentage says', async () => {
  const mesh = await start({ abort: http(503, { numerator: 2_500, denominator: 1 }) });
  let aborted = 0;
  for (let i = 0; i < 400; i++) if ((await ask(mesh)).status === 503) aborted++;
  assert.ok(aborted > 70 && aborted < 130, `${aborted} of 400`);
});

test('no more than maxActive requests are held back at once; who gives up makes room', async () => {
  const mesh = await start({ delay: delayOf(60_000), maxActiveFaults: 3 });
  const held = Array.from({ length: 3 }, () => mesh.connect());
  for (const peer of held) peer.send(get('/'));
  await mesh.sim.run(undefined, 100);
  assert.ok((await ask(mesh)).tookMs < 100);
  assert.equal(counted(mesh, 'weft_faults_overflow_total'), 1);
  held[0]?.connection.destroy('gave up');
  await mesh.sim.run(undefined, 100);
  assert.ok((await ask(mesh)).tookMs >= 60_000);
  assert.ok((await ask(mesh)).tookMs >= 60_000, 'what was held back is over, and was counted once');
});

test('a fault ends at the time that its route names, whether the control plane is there or not', async () => {
  const routes = routesOf('out', { '/': forward('catalog.shop') });
  // The world begins at midnight.
  for (const { routes: entries } of routes.hosts) {
    for (const { info } of entries) Object.assign(info, { faultsUntilMs: Date.UTC(2026, 0, 1, 0, 1) });
  }
  const mesh = await startMesh({ seed: 1, manager: { filters: [filter({ abort: http(503) })], routes } });
  assert.equal((await ask(mesh)).status, 503);
  await mesh.sim.run(undefined, 61_000);
  assert.equal((await ask(mesh)).status, 200);
});

test('what this proxy cannot do of a fault is refused', () => {
  const reads = (parts: Partial<HTTPFault>) => () => readFault(encode(HTTPFaultTable, { ...NOTHING, ...parts }));
  const refused = (parts: Partial<HTTPFault>, where: RegExp) =>
    assert.throws(reads(parts), (error) => isWeftError(error) && where.test(error.message));
  refused({ upstreamCluster: 'x' }, /upstream_cluster/);
  refused({ abort: http(99) }, /abort\.http_status/);
  refused({ abort: grpc(17) }, /abort\.grpc_status/);
  refused({ abort: { errorType: { case: 'headerAbort', value: {} }, percentage: ALWAYS } }, /abort\.header_abort/);
  refused({ delay: delayOf(0) }, /delay\.fixed_delay/);
  refused({ abort: { errorType: { case: undefined }, percentage: ALWAYS } }, /abort\.error_type/);
  // downstream_nodes, which decides who is concerned; and a runtime key, which decides nothing here.
  assert.throws(() => readFault(Uint8Array.of(0x2a, 0x01, 0x61)), /field 5/);
  assert.doesNotThrow(() => readFault(Uint8Array.of(0x42, 0x01, 0x61)));
});
