import assert from 'node:assert/strict';
import test from 'node:test';
import type { PeerCertificate } from '../../core/runtime.ts';
import { EDS, fixture, peerOf, resource, TestProxy, WEB_ID } from './publisher.fixture.ts';

test('a proxy that connects gets its view, and is listed with what it acknowledged', () => {
  const { publisher, connect } = fixture();
  const proxy = connect();
  assert.deepEqual(proxy.held(), { catalog: '1' });
  const [status] = publisher.proxies();
  assert.deepEqual(status?.node, {
    id: 'shop/web-1',
    namespace: 'shop',
    workload: 'web-1',
    cluster: 'web',
    kind: 'weft',
    onDemand: false,
  });
  assert.equal(status?.connectedSinceMs, 1_000_000);
  const endpoints = status?.types.find((type) => type.type === EDS);
  assert.equal(endpoints?.acked.get('catalog'), resource(EDS, 'catalog', '1').version);
  assert.deepEqual(endpoints?.pending, []);
});

test('a node id that does not agree with the certificate is refused with the reason, and logged', () => {
  const { clock, log, connect, publisher } = fixture();
  const web1 = (...uris: string[]): PeerCertificate => peerOf('shop/web-1', ...uris);
  const cases: readonly (readonly [string, PeerCertificate | null, number, RegExp])[] = [
    ['shop/web-1', null, 16, /certificate is required/],
    ['shop/web-1', web1('spiffe://weft.local/ns/other/sa/web'), 7, /namespaces differ/],
    ['shop/web-1', web1(), 7, /0 URI SANs/],
    ['shop/web-1', web1('spiffe://a/ns/shop/sa/web', 'spiffe://a/ns/shop/sa/b'), 7, /2 URI SANs/],
    ['shop/web-1', web1('spiffe://weft.local/shop/web'), 7, /not the identity of a workload/],
    ['shop/web-1', web1('https://weft.local/ns/shop/sa/web'), 7, /not the identity of a workload/],
    ['shop/web-1', peerOf('shop/web-2', WEB_ID), 7, /certificate is of "shop\/web-2"/],
    ['shop/web-1', peerOf('', WEB_ID), 7, /certificate is of ""/],
    ['web-1', peerOf('web-1', WEB_ID), 7, /is not <namespace>\/<workload>/],
    ['shop/web-1/x', peerOf('shop/web-1/x', WEB_ID), 7, /is not <namespace>\/<workload>/],
    ['shop/stranger', peerOf('shop/stranger', WEB_ID), 7, /no such workload/],
  ];
  for (const [id, peer, code, reason] of cases) {
    const proxy = connect(id, peer);
    assert.equal(proxy.ended?.code, code, String(reason));
    assert.match(proxy.ended?.message ?? '', reason);
    assert.equal(proxy.received, 0);
    clock.advance(1_000);
  }
  assert.equal(log.messages('warn').length, cases.length - 1);
  for (let i = 0; i < 10; i++) connect(`shop/${i}`, peerOf('shop/web-2', WEB_ID));
  assert.equal(log.messages('warn').length, cases.length, 'one peer is told of once a second');
  assert.equal(publisher.streamLimit.used, 0);
});

test('another method is unimplemented, a message that is no request ends the stream', () => {
  const { connect } = fixture();
  assert.equal(connect('shop/web-1', undefined, '/envoy.service.discovery.v3.Other/Method').ended?.code, 12);
  const proxy = connect();
  proxy.sendRaw(Uint8Array.of(9));
  assert.equal(proxy.ended?.code, 3);
});

test('streams are bounded, and one that says nothing is closed', () => {
  const { clock, publisher, connect } = fixture({ maxStreams: 1 });
  const silent = new TestProxy(publisher, 'shop/web-1', peerOf('shop/web-1', WEB_ID));
  assert.equal(connect('shop/web-2').ended?.code, 8);
  clock.advance(14_990);
  assert.equal(silent.endCode(), null);
  clock.advance(20);
  assert.equal(silent.endCode(), 4);
  assert.equal(connect('shop/web-2').ended, null);
});

test('a stream ends with the certificate that it was let in by', () => {
  const { clock, connect } = fixture();
  const proxy = connect();
  clock.advance(3_599_000);
  assert.equal(proxy.endCode(), null);
  clock.advance(1_100);
  assert.equal(proxy.endCode(), 16);
});

test('a newer stream of a node supersedes the older; the view is released with the last', () => {
  const { publisher, views, connect } = fixture();
  const first = connect();
  const second = connect();
  assert.equal(first.ended?.code, 10);
  assert.deepEqual(second.held(), { catalog: '1' });
  assert.deepEqual(views.released, []);
  assert.equal(publisher.proxies().length, 1);
  second.destroy();
  assert.deepEqual(views.released, ['shop/web-1']);
  assert.deepEqual([publisher.proxies().length, publisher.streamLimit.used], [0, 0]);
});

test('configuration is pushed 100 ms after the last change, endpoints after 10', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '2'));
  clock.advance(90);
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '3'));
  clock.advance(90);
  assert.deepEqual(proxy.held(), { catalog: '1' });
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '3' });
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '4'));
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '4' });
});

test('a steady trickle is pushed in time: endpoints within 50 ms, configuration within 1 s', () => {
  for (const [urgency, stepMs, boundMs] of [
    ['endpoints', 5, 70],
    ['configuration', 50, 1060],
  ] as const) {
    const { clock, views, connect } = fixture();
    const proxy = connect();
    for (let at = 0; at < boundMs; at += stepMs) {
      views.set('shop/web-1', urgency, resource(EDS, 'catalog', `${at}`));
      clock.advance(stepMs);
    }
    assert.notDeepEqual(proxy.held(), { catalog: '1' }, urgency);
  }
});

test('an urgent change is not held back by less urgent ones', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  views.set('shop/web-1', 'configuration', resource(EDS, 'catalog', '3'));
  clock.advance(20);
  assert.deepEqual(proxy.held(), { catalog: '3' });
});

test('only proxies whose view may have changed are looked at', () => {
  const { clock, views, connect } = fixture();
  connect('shop/web-1');
  connect('shop/web-2');
  views.asked.length = 0;
  views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', '2'));
  views.set('shop/absent', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(100);
  assert.deepEqual(views.asked, ['shop/web-2']);
});

test('a proxy whose view cannot be made keeps what it has, and the others get theirs', () => {
  const { clock, views, log, connect } = fixture();
  const [broken, fine] = [connect('shop/web-1'), connect('shop/web-2')];
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  views.resources.delete('shop/web-1');
  views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(100);
  assert.deepEqual([broken.held(), fine.held()], [{ catalog: '1' }, { catalog: '2' }]);
  assert.deepEqual(log.messages('error'), ['no view for a proxy']);
});

test('a large push goes out in batches, a turn each', () => {
  const { clock, views, connect } = fixture({ pushBatch: 1 });
  const proxies = [connect('shop/web-1'), connect('shop/web-2')];
  for (const id of ['shop/web-1', 'shop/web-2']) views.set(id, 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(10);
  assert.equal(proxies.filter((proxy) => proxy.held()['catalog'] === '2').length, 1);
  clock.advance(20);
  assert.equal(proxies.filter((proxy) => proxy.held()['catalog'] === '2').length, 2);
});

test('nothing is sent while the transport is full; what came meanwhile is merged', () => {
  const { clock, views, connect } = fixture();
  const proxy = connect();
  const { received } = proxy;
  proxy.writable = false;
  for (const content of ['2', '3', '4']) {
    views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', content));
    clock.advance(100);
  }
  assert.equal(proxy.received, received);
  proxy.becomeWritable();
  assert.equal(proxy.received, received + 1);
  assert.deepEqual(proxy.held(), { catalog: '4' });
});

test('a refused resource is logged with its origin and kept in the status', () => {
  const { views, log, publisher, connect } = fixture();
  const proxy = connect();
  const origin = { kind: 'Service', namespace: 'shop', name: 'catalog', path: '', file: 'shop.yaml:3' };
  views.set('shop/web-1', 'endpoints', { ...resource(EDS, 'catalog', '2'), origins: [origin] });
  proxy.refuse = [{ name: 'catalog', reason: 'endpoints[0].address: missing' }];
  publisher.flush();
  const line = log.lines.find((candidate) => candidate.message === 'proxy refused a resource');
  assert.equal(line?.fields['reason'], 'endpoints[0].address: missing');
  assert.deepEqual(line?.fields['origins'], ['Service/shop/catalog (shop.yaml:3)']);
  const endpoints = publisher.proxy('shop/web-1')?.types.find((type) => type.type === EDS);
  assert.equal(endpoints?.nacks[0]?.reason, 'endpoints[0].address: missing');
  assert.deepEqual([...(endpoints?.refused.keys() ?? [])], ['catalog']);
});

test('closing ends every stream, and changes are no longer heard', () => {
  const { clock, views, publisher, connect } = fixture();
  const proxy = connect();
  publisher.close();
  assert.equal(proxy.ended?.code, 14);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  clock.advance(1000);
  assert.deepEqual(proxy.held(), { catalog: '1' });
});

test('status says since when a proxy has not had what is due to it', () => {
  const { clock, views, publisher, connect } = fixture();
  const proxy = connect();
  const since = () => publisher.proxy('shop/web-1')?.types.find((type) => type.type === EDS)?.pendingSinceMs;
  assert.equal(since(), null);
  proxy.pause();
  clock.advance(5000);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  const sentAt = clock.wall();
  clock.advance(7000);
  views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '3'));
  publisher.flush();
  assert.equal(since(), sentAt);
  proxy.flush();
  assert.equal(since(), null);
});
