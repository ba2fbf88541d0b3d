import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../../core/errors.ts';
import {
  asCluster,
  asEndpoints,
  asListener,
  asRoutes,
  assignment,
  cluster,
  listener,
  routes,
} from '../../snapshot/sample-resources.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { type FakeMesh, fakeMesh } from './fake-mesh.ts';

const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS } = TYPE_URLS;

const CLUSTER = asCluster(cluster());
const ENDPOINTS = asEndpoints(assignment(['127.0.0.1']));
const ROUTES = asRoutes(routes());
const LISTENER = asListener(listener());

function configure(made: FakeMesh): void {
  made.respond(CDS, [CLUSTER]);
  made.respond(EDS, [ENDPOINTS]);
  made.respond(LDS, [LISTENER]);
  made.respond(RDS, [ROUTES]);
}

/** Whether a promise has settled, after all that is due has run. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  return settled;
}

test('asks for all clusters and listeners, and by name for what they refer to', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  const asked = made.stream().requests.map((request) => [request.typeUrl, [...request.resourceNamesSubscribe]]);
  assert.deepEqual(
    asked.filter(([, names]) => names?.length !== 0),
    [
      [EDS, ['80|a.shop']],
      [RDS, ['outbound']],
    ],
  );
  const node = made.stream().requests[0]?.node;
  assert.equal(node?.id, 'shop/web-1');
  assert.deepEqual(node.locality, { region: 'north', zone: 'north-a', subZone: '' });
});

test('is ready when all that was received serves', async () => {
  const made = fakeMesh();
  made.client.start();
  assert.equal(await isSettled(made.client.ready), false);
  configure(made);
  assert.equal(await isSettled(made.client.ready), true);
  assert.equal(made.client.snapshot.listeners.size, 1);
  assert.equal(made.snapshots.at(-1), made.client.snapshot);
});

test('shows its SVID and accepts the control plane only', () => {
  const made = fakeMesh();
  made.client.start();
  const tls = made.stream().target.tls;
  assert.equal(tls?.identity.certificateChainPem, 'CHAIN-1');
  assert.equal(tls.identity.trustBundlePem, 'ROOTS');
  const peer = { uris: [''], dnsNames: [], notAfter: 4e12, serialNumber: '', commonName: '', extendedKeyUsages: [] };
  const verify = (id: string) => tls.verifyPeer?.({ ...peer, uris: [id] });
  assert.equal(verify('spiffe://weft.local/ns/weft-system/sa/control-plane'), null);
  assert.match(verify('spiffe://weft.local/ns/shop/sa/web') ?? '', /expected .*control-plane/);
});

test('refuses by name with the field path, and serves the last good version', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  const good = made.client.snapshot.routes.get('outbound');
  made.respond(RDS, [asRoutes(routes({ priority: 1 }))]);
  const answer = made.stream().requests.at(-1);
  assert.match(answer?.errorDetail?.message ?? '', /^outbound: .*virtual_hosts\[0\].routes\[0\].route.priority/);
  assert.equal(made.client.snapshot.routes.get('outbound'), good);
});

test('a binding that cannot be made refuses the change and leaves the last one in use', () => {
  let broken = false;
  const made = fakeMesh({
    bind() {
      if (broken) throw new WeftError('internal', { what: 'no binding today' });
    },
  });
  made.client.start();
  configure(made);
  const before = made.client.snapshot;
  broken = true;
  made.respond(EDS, [asEndpoints(assignment(['127.0.0.9']))]);
  assert.match(made.stream().requests.at(-1)?.errorDetail?.message ?? '', /no binding today/);
  assert.equal(made.client.snapshot, before);
});

test('an assignment that does not come within 15 seconds is not waited for any longer', async () => {
  const made = fakeMesh();
  made.client.start();
  made.respond(CDS, [CLUSTER]);
  made.respond(LDS, [LISTENER]);
  made.respond(RDS, [ROUTES]);
  made.clock.pass(14_900);
  assert.equal(made.client.snapshot.clusters.size, 0);
  made.clock.pass(200);
  assert.equal(made.client.snapshot.clusters.size, 1);
  assert.equal(made.client.snapshot.listeners.size, 1);
  assert.equal(await isSettled(made.client.ready), true);
});

test('what the control plane says is not there is not waited for at all', () => {
  const made = fakeMesh();
  made.client.start();
  made.respond(CDS, [CLUSTER]);
  made.respond(EDS, [], ['80|a.shop']);
  assert.equal(made.client.snapshot.clusters.size, 1);
});

test('what nothing refers to any longer is let go of', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  made.respond(LDS, [], [LISTENER.name]);
  made.respond(CDS, [], [CLUSTER.name]);
  const dropped = made.stream().requests.flatMap((request) => request.resourceNamesUnsubscribe);
  assert.deepEqual(dropped, ['outbound', '80|a.shop']);
  made.respond(CDS, []);
  assert.deepEqual(
    Object.values(made.client.snapshot).map((map) => map.size),
    [0, 0, 0, 0, 0, 0, 0],
  );
});

test('reconnects later and later, keeps serving, and says what it holds', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  const before = made.client.snapshot;
  const gaps: number[] = [];
  for (let i = 0; i < 9; i++) {
    made.stream().handler.onClose({ code: 14, message: 'gone' });
    const count = made.streams.length;
    const from = made.clock.now();
    while (made.streams.length === count) made.clock.pass(10);
    gaps.push(made.clock.now() - from);
  }
  assert.equal(made.client.snapshot, before);
  assert.ok(
    gaps.every((gap, i) => i === 0 || gap >= (gaps[i - 1] ?? 0)),
    gaps.join(),
  );
  assert.ok((gaps[0] ?? 0) <= 110 && (gaps.at(-1) ?? 0) <= 10_010 && (gaps.at(-1) ?? 0) >= 5_000, gaps.join());
  const held = made.stream().requests.find((request) => request.typeUrl === EDS)?.initialResourceVersions;
  assert.deepEqual([...(held ?? [])], [['80|a.shop', ENDPOINTS.version]]);
});

test('staleness counts from the last contact and ends with the next', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  made.clock.pass(60_000);
  assert.equal(made.client.staleSeconds, 0);
  made.stream().handler.onClose({ code: 14, message: 'gone' });
  made.clock.pass(20_000);
  assert.equal(made.client.connected, false);
  assert.equal(made.client.staleSeconds, 20);
  made.respond(CDS, []);
  assert.equal(made.client.staleSeconds, 0);
});

test('a renewed SVID opens a new stream and drops nothing', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  const before = made.client.snapshot;
  const [old] = made.streams;
  made.svid = { ...made.svid, certificateChainPem: 'CHAIN-2' };
  for (const changed of made.renewed) changed();
  assert.equal(old?.ended, true);
  assert.equal(made.stream().target.tls?.identity.certificateChainPem, 'CHAIN-2');
  old?.handler.onClose({ code: 1, message: 'late' });
  assert.equal(made.streams.length, 2);
  assert.equal(made.client.snapshot, before);
});

test('without a valid SVID no stream is opened, and with one it is', () => {
  const made = fakeMesh();
  made.svid = { ...made.svid, notAfter: 1 };
  made.client.start();
  made.clock.pass(60_000);
  assert.equal(made.streams.length, 0);
  made.svid = { ...made.svid, notAfter: 4_000_000_000_000 };
  for (const changed of made.renewed) changed();
  assert.equal(made.streams.length, 1);
});

test('garbage on the stream ends it, not the configuration', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  const before = made.client.snapshot;
  made.stream().handler.onMessage(Uint8Array.of(0x0a, 0x50));
  assert.equal(made.streams.at(-1)?.ended, true);
  made.clock.pass(1_000);
  assert.equal(made.streams.length, 2);
  assert.equal(made.client.snapshot, before);
});

test('a burst of changes is one write, a second later', async () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  made.clock.pass(900);
  await isSettled(Promise.resolve());
  assert.equal(made.files.size, 0);
  made.clock.pass(200);
  await isSettled(Promise.resolve());
  assert.equal(made.files.size, 1);
});

async function savedFiles(): Promise<Map<string, Uint8Array>> {
  const first = fakeMesh();
  first.client.start();
  configure(first);
  await first.client.close();
  return first.files;
}

test('a restart without the control plane serves what was saved', async () => {
  const made = fakeMesh({ files: await savedFiles() });
  made.client.start();
  made.stream().handler.onClose({ code: 14, message: 'refused' });
  assert.equal(await isSettled(made.client.ready), true);
  assert.deepEqual([...made.client.snapshot.listeners.keys()], [LISTENER.name]);
  assert.deepEqual(
    made.client.snapshot.endpoints.get('80|a.shop')?.endpoints.map((e) => e.key),
    ['127.0.0.1:15001'],
  );
});

test('a control plane that is silent for two seconds counts as away', async () => {
  const made = fakeMesh({ files: await savedFiles() });
  made.client.start();
  made.clock.pass(1_900);
  assert.equal(await isSettled(made.client.ready), false);
  made.clock.pass(200);
  assert.equal(await isSettled(made.client.ready), true);
  const versions = made.stream().requests.map((request) => request.initialResourceVersions.size);
  assert.ok(versions.some((size) => size > 0));
});

test('what a control plane says goes before what was saved', async () => {
  const made = fakeMesh({ files: await savedFiles() });
  made.client.start();
  made.respond(CDS, []);
  made.stream().handler.onClose({ code: 14, message: 'gone' });
  await isSettled(Promise.resolve());
  assert.equal(made.client.snapshot.listeners.size, 0);
});

test('a damaged copy is left aside', async () => {
  const files = await savedFiles();
  for (const [path, bytes] of files) files.set(path, bytes.with(bytes.length - 1, 255 - (bytes.at(-1) ?? 0)));
  const made = fakeMesh({ files });
  made.client.start();
  made.stream().handler.onClose({ code: 14, message: 'refused' });
  assert.equal(await isSettled(made.client.ready), false);
});

test('the dump shows what came, in full, and what was refused', () => {
  const made = fakeMesh();
  made.client.start();
  configure(made);
  made.respond(RDS, [asRoutes(routes({ priority: 1 }))]);
  const all = { includeEds: true, resource: null, nameRegex: null };
  const text = JSON.stringify(made.client.configDump(all));
  assert.match(text, /"@type":"type.googleapis.com\/envoy.admin.v3.RoutesConfigDump"/);
  assert.match(text, /"client_status":"NACKED"/);
  assert.match(text, /"details":"[^"]*route.priority/);
  assert.match(text, /"rds":\{"config_source":\{"ads":\{\}\},"route_config_name":"outbound"\}/);
  assert.match(text, /"lb_policy":"LEAST_REQUEST"/);
  const { configs } = made.client.configDump({ ...all, resource: 'dynamic_active_clusters' });
  assert.equal((configs as readonly unknown[]).length, 1);
  const none = made.client.configDump({ ...all, resource: 'dynamic_active_clusters', nameRegex: /nothing/ });
  assert.deepEqual(none, { configs: [] });
  assert.ok(made.client.status(true).length > made.client.status(false).length);
});

test('after close nothing is opened or written', async () => {
  const made = fakeMesh();
  made.client.start();
  await made.client.close();
  for (const changed of made.renewed) changed();
  made.clock.pass(60_000);
  assert.deepEqual([made.streams.length, made.streams[0]?.ended, made.files.size], [1, true, 0]);
});
