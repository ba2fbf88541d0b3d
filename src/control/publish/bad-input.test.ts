import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import * as fc from 'fast-check';
import { TYPE_URLS } from '../../xds/resource.ts';
import { DeltaDiscoveryRequestTable, DiscoveryRequestTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS, SOTW_ADS } from './methods.ts';
import { CDS, EDS, fixture, peerOf, resource, WEB_ID } from './publisher.fixture.ts';
import { dialRaw, type RawClient } from './raw-client.fixture.ts';
import { STREAM_ENDINGS, type StreamEnding } from './stream-endings.ts';

const ENDPOINTS = '/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints';

const tried = new Set<StreamEnding>();

/** A bad client beside a good one: it ends with the status of its reason, which is counted; the other loses nothing. */
function ends(reason: StreamEnding, does: (bad: RawClient, path: string) => void, path: string = DELTA_ADS.path): void {
  const { publisher, views, connect } = fixture();
  const good = connect('shop/web-2');
  const bad = dialRaw(publisher, path);
  does(bad, path);
  assert.equal(bad.ended()?.code, STREAM_ENDINGS[reason], `${reason}: ${bad.ended()?.message}`);
  assert.equal(publisher.metrics.ended(reason), 1);
  tried.add(reason);
  assert.equal(publisher.streamLimit.used, 1);
  assert.deepEqual(
    publisher.proxies().map(({ node }) => node.id),
    ['shop/web-2'],
  );
  views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', 'next'));
  publisher.flush();
  assert.deepEqual(good.held(), { catalog: 'next' });
  assert.equal(good.ended, null);
}

test('bytes that are no message end the stream, first or later, in both variants', () => {
  for (const path of [DELTA_ADS.path, SOTW_ADS.path]) {
    ends('malformed', (bad) => bad.say(Uint8Array.of(9, 9, 9)), path);
    ends(
      'malformed',
      (bad) => {
        bad.ask({ typeUrl: EDS, names: ['catalog'] });
        bad.say(Uint8Array.of(0x12, 0xff));
      },
      path,
    );
  }
});

test('a request without a type, or with one that nobody could have, ends the stream', () => {
  ends('malformed', (bad) => bad.ask({}));
  ends('malformed', (bad) => bad.ask({ typeUrl: 'x'.repeat(300) }));
});

test('a message above the bound ends the stream, whether it was held or refused while it came', () => {
  ends('message-too-large', (bad) => bad.say(new Uint8Array((8 << 20) + 1)));
});

test('floods of subscriptions are bounded by count, by length and by bytes', () => {
  const many = Array.from({ length: 20_001 }, (_, i) => `n${i}`);
  const long = Array.from({ length: 9_000 }, (_, i) => `${i}-`.padEnd(1_000, 'x'));
  for (const path of [DELTA_ADS.path, SOTW_ADS.path]) {
    ends('too-many-names', (bad) => bad.ask({ typeUrl: EDS, names: many }), path);
    ends('too-many-names', (bad) => bad.ask({ typeUrl: EDS, names: ['x'.repeat(1025)] }), path);
    ends(
      'too-many-names',
      (bad) => {
        bad.ask({ typeUrl: EDS, names: long.slice(0, 4_500) });
        bad.ask({ typeUrl: CDS, names: long.slice(4_500) });
      },
      path,
    );
    ends(
      'too-many-names',
      (bad) => {
        for (let type = 0; type < 17; type++) bad.ask({ typeUrl: `t${type}`, names: ['x'] });
      },
      path,
    );
  }
});

test('names that are given up make room for others, those of a stream that ended too', () => {
  const { publisher } = fixture();
  const path = ENDPOINTS;
  const names = (of: string) => Array.from({ length: 5_000 }, (_, i) => `${of}${i}-`.padEnd(1_000, 'x'));
  const one = dialRaw(publisher, path);
  for (const of of 'abcd') one.ask({ names: names(of) });
  assert.equal(one.ended(), null);
  const other = dialRaw(publisher, path);
  // It keeps the proxy, and so the bound, while the first one goes.
  other.ask({ names: ['x'] });
  one.close();
  other.ask({ names: names('e') });
  assert.equal(other.ended(), null);
  const third = dialRaw(publisher, path);
  third.ask({ names: names('f') });
  assert.equal(third.ended()?.code, 8, 'the streams of one proxy share the bound');
});

test('unknown types are answered and do not end the stream of everything else', () => {
  const { publisher } = fixture();
  const client = dialRaw(publisher, DELTA_ADS.path);
  client.ask({ typeUrl: 'type.googleapis.com/envoy.service.runtime.v3.Runtime', names: ['rtds'] });
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  assert.deepEqual(
    client.received.map(({ names }) => names),
    [[], ['catalog']],
  );
  const types = [...publisher.metrics.counters.series()]
    .filter(({ name }) => name === 'weft_xds_responses_total')
    .map(({ labels }) => labels['type'] ?? '');
  assert.deepEqual(types.toSorted(), ['ClusterLoadAssignment', 'other'], 'a client does not name series');
});

test('wrong nonces acknowledge nothing, are answered by nothing, and are counted', () => {
  const { publisher } = fixture();
  const client = dialRaw(publisher, SOTW_ADS.path);
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  for (let i = 0; i < 10; i++) client.ask({ typeUrl: EDS, names: ['catalog'], nonce: 'forged', error: 'no' });
  assert.equal(client.received.length, 1);
  assert.equal(publisher.metrics.staleNonces.value, 10);
  const [endpoints] = publisher.proxy('shop/web-1')?.types ?? [];
  assert.deepEqual([endpoints?.acked.size, endpoints?.refused.size], [0, 0]);
});

test('a proxy that refuses for ever is sent each content once, and shows what it refuses and why', () => {
  for (const path of [DELTA_ADS.path, SOTW_ADS.path]) {
    const { publisher, views } = fixture();
    const client = dialRaw(publisher, path);
    client.ask({ typeUrl: CDS });
    const refuse = (): void => {
      const { nonce } = client.received.at(-1) ?? { nonce: '' };
      client.ask({ typeUrl: CDS, nonce, error: 'bad: cannot be' });
    };
    for (const content of ['1', '1', '2', '2', '3']) {
      views.set('shop/web-1', 'configuration', resource(CDS, 'bad', content));
      publisher.flush();
      refuse();
      refuse();
    }
    const sent = client.received.filter(({ names }) => names.length > 0).length;
    assert.equal(sent, 3, path);
    const clusters = publisher.proxy('shop/web-1')?.types[0];
    assert.deepEqual([...(clusters?.refused.keys() ?? [])], ['bad']);
    assert.match(clusters?.nacks[0]?.reason ?? '', /cannot be/);
    publisher.collectMetrics();
    assert.equal(publisher.metrics.quarantined.value, 1);
    const refused = [...publisher.metrics.counters.series()].find(
      ({ name, labels }) => name === 'weft_xds_refused_resources_total' && labels['type'] === 'Cluster',
    );
    assert.equal(refused?.value, 3);
  }
});

test('what was refused before is counted again and not logged again', () => {
  const { log, publisher, views } = fixture();
  views.set('shop/web-1', 'configuration', resource(EDS, 'bad', '1'));
  for (let i = 0; i < 5; i++) {
    const client = dialRaw(publisher, SOTW_ADS.path);
    client.ask({ typeUrl: EDS, names: ['bad'] });
    client.ask({ typeUrl: EDS, names: ['bad'], nonce: client.received[0]?.nonce ?? '', error: 'no' });
  }
  assert.deepEqual(log.messages('warn'), ['proxy refused a resource']);
  const refused = [...publisher.metrics.counters.series()].find(
    ({ name, value }) => name === 'weft_xds_refused_resources_total' && value === 5,
  );
  assert.ok(refused);
});

test('a stream that says nothing, or outlives its certificate, ends', () => {
  const { clock, publisher } = fixture();
  const silent = dialRaw(publisher, DELTA_ADS.path);
  clock.advance(15_010);
  assert.equal(silent.ended()?.code, 4);
  const old = dialRaw(publisher, DELTA_ADS.path);
  old.ask({ typeUrl: EDS });
  clock.advance(3_600_000);
  assert.equal(old.ended()?.code, 16);
  for (const reason of ['no-first-message', 'certificate-expired'] as const) {
    assert.equal(publisher.metrics.ended(reason), 1);
    tried.add(reason);
  }
});

test('a client that never reads is sent nothing more, and ends after a minute', () => {
  const { clock, publisher, views } = fixture();
  const client = dialRaw(publisher, DELTA_ADS.path);
  client.stopsReading = true;
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  for (let i = 0; i < 100; i++) {
    views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', `${i}`));
    clock.advance(500);
  }
  assert.equal(client.received.length, 1);
  assert.equal(client.ended(), null);
  clock.advance(11_000);
  assert.equal(client.ended()?.code, 4);
  assert.equal(publisher.metrics.ended('does-not-read'), 1);
  assert.deepEqual([publisher.proxies(), publisher.streamLimit.used], [[], 0]);
  tried.add('does-not-read');
});

test('a client that never reads ends after a minute too when little waits for it, and one that reads some goes on', () => {
  const { clock, publisher, views } = fixture();
  const never = dialRaw(publisher, ENDPOINTS);
  const slow = dialRaw(publisher, ENDPOINTS);
  const late = dialRaw(publisher, ENDPOINTS);
  for (const client of [never, slow, late]) {
    client.takesNothing = true;
    client.ask({ typeUrl: EDS, names: ['catalog'] });
    views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', '1'));
    publisher.flush();
    assert.ok(client.unsent > 0);
  }
  clock.advance(59_000);
  assert.equal(never.ended(), null);
  slow.unsent -= 1;
  late.unsent = 0;
  clock.advance(2_000);
  assert.deepEqual([never.ended()?.code, slow.ended(), late.ended()], [4, null, null]);
  assert.equal(publisher.metrics.ended('does-not-read'), 1);
  clock.advance(61_000);
  assert.deepEqual([slow.ended()?.code, late.ended()], [4, null]);
});

test('a client that takes its time but reads goes on', () => {
  const { clock, publisher, views } = fixture();
  const client = dialRaw(publisher, SOTW_ADS.path);
  client.stopsReading = true;
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  for (let i = 0; i < 10; i++) {
    views.set('shop/web-1', 'endpoints', resource(EDS, 'catalog', `${i}`));
    clock.advance(50_000);
    client.becomeWritable();
    client.ask({ typeUrl: EDS, names: ['catalog'], nonce: client.received.at(-1)?.nonce ?? '' });
  }
  assert.equal(client.ended(), null);
  assert.equal(client.received.length, 11);
});

test('a client that asks without end is read more slowly, and refused nothing', () => {
  const { clock, publisher } = fixture();
  const client = dialRaw(publisher, DELTA_ADS.path);
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  for (let i = 0; i < 17_000; i++) client.ask({ typeUrl: EDS, nonce: 'x' });
  assert.ok(client.paused);
  assert.equal(publisher.metrics.throttled.value, 1);
  clock.advance(2_000);
  assert.ok(!client.paused);
  assert.equal(client.ended(), null);
});

test('large requests weigh more than small ones', () => {
  const { publisher } = fixture();
  const client = dialRaw(publisher, DELTA_ADS.path);
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  const large = encode(
    DeltaDiscoveryRequestTable,
    create(DeltaDiscoveryRequestTable, { typeUrl: EDS, responseNonce: 'x'.repeat(4 << 20) }),
  );
  for (let i = 0; i < 5; i++) client.say(large);
  assert.ok(client.paused);
});

test('who is not admitted at all: no such method, no certificate, another identity, too many streams', () => {
  const { publisher, connect } = fixture({ maxStreams: 1 });
  assert.equal(connect('shop/web-1', undefined, '/envoy.service.discovery.v3.Other/Method').ended?.code, 12);
  assert.equal(connect('shop/web-1', null).ended?.code, 16);
  assert.equal(connect('shop/web-1', peerOf('shop/web-2', WEB_ID)).ended?.code, 7);
  dialRaw(publisher, DELTA_ADS.path);
  assert.equal(connect('shop/web-2').ended?.code, 8);
  for (const reason of ['unknown-method', 'no-certificate', 'wrong-identity', 'too-many-streams'] as const) {
    assert.equal(publisher.metrics.ended(reason), 1, reason);
    tried.add(reason);
  }
});

test('two of one node, and more streams than a proxy may have, are counted; so is the end of the server', () => {
  const { publisher } = fixture({ maxStreamsPerNode: 2 });
  const path = ENDPOINTS;
  for (const at of [SOTW_ADS.path, SOTW_ADS.path, path, path]) {
    dialRaw(publisher, at).ask({ typeUrl: EDS, names: ['catalog'] });
  }
  publisher.close();
  const counts = { superseded: 1, 'too-many-streams-of-proxy': 1, 'shutting-down': 2 } as const;
  for (const [reason, count] of Object.entries(counts)) {
    assert.equal(publisher.metrics.ended(reason as StreamEnding), count, reason);
    tried.add(reason as StreamEnding);
  }
});

test('a proxy for which there is no view is told so', () => {
  const { publisher, views } = fixture();
  views.resources.delete('shop/web-1');
  const client = dialRaw(publisher, DELTA_ADS.path);
  client.ask({ typeUrl: EDS, names: ['catalog'] });
  assert.equal(client.ended()?.code, 13);
  assert.equal(publisher.metrics.ended('no-view'), 1);
  assert.deepEqual([publisher.proxies(), publisher.streamLimit.used], [[], 0]);
  tried.add('no-view');
});

/** Requests that a program with a bug, or an enemy, may send: some well-formed, some of types that there are. */
const arbitraryMessage = (isDelta: boolean): fc.Arbitrary<Uint8Array> => {
  const names = fc.array(fc.constantFrom('catalog', 'other', '*', '', 'x'.repeat(2000)), { maxLength: 4 });
  const common = {
    typeUrl: fc.constantFrom(CDS, EDS, EDS, TYPE_URLS.listener, TYPE_URLS.virtualHosts, 'nonsense', ''),
    responseNonce: fc.constantFrom('', '1', '2', '3', 'a', 'z'),
    errorDetail: fc.option(
      fc.record({ code: fc.integer({ min: 0, max: 20 }), message: fc.string(), details: fc.constant([]) }),
      { nil: undefined },
    ),
    node: fc.option(fc.constant(create(NodeTable, { id: 'shop/web-1' })), { nil: undefined, freq: 1 }),
  };
  const delta = fc
    .record({ ...common, resourceNamesSubscribe: names, resourceNamesUnsubscribe: names })
    .map((said) => encode(DeltaDiscoveryRequestTable, create(DeltaDiscoveryRequestTable, said)));
  const sotw = fc
    .record({ ...common, resourceNames: names })
    .map((said) => encode(DiscoveryRequestTable, create(DiscoveryRequestTable, said)));
  return fc.oneof({ weight: 20, arbitrary: isDelta ? delta : sotw }, { weight: 1, arbitrary: fc.uint8Array() });
};

for (const { path, variant } of [DELTA_ADS, SOTW_ADS]) {
  test(`${variant}: whatever a client says, it is answered or ended by a named reason, and leaves nothing behind`, () => {
    fc.assert(
      fc.property(fc.array(arbitraryMessage(variant === 'delta'), { maxLength: 40 }), (messages) => {
        const { publisher, views, connect } = fixture();
        const good = connect('shop/web-2');
        const client = dialRaw(publisher, path);
        client.ask({ typeUrl: EDS, names: ['catalog'] });
        messages.forEach((message, i) => {
          client.say(message);
          views.set(
            'shop/web-1',
            'endpoints',
            resource(EDS, 'catalog', `${i % 3}`),
            resource(TYPE_URLS.listener, 'l', `${i % 2}`),
          );
          publisher.flush();
        });
        const code = client.ended()?.code;
        assert.ok(code === undefined || [3, 8].includes(code), `${client.ended()?.message}`);
        assert.equal(publisher.metrics.ended('internal'), 0);
        assert.ok(client.received.length <= messages.length * 4 + 2, 'no loop of responses');
        views.set('shop/web-2', 'endpoints', resource(EDS, 'catalog', 'end'));
        publisher.flush();
        assert.deepEqual(good.held(), { catalog: 'end' });
        if (code === undefined) client.close();
        assert.deepEqual([publisher.proxies().length, publisher.streamLimit.used], [1, 1]);
        assert.deepEqual(views.released, ['shop/web-1']);
      }),
      { numRuns: 300 },
    );
  });
}

after(() => {
  const untried = Object.keys(STREAM_ENDINGS).filter((reason) => !tried.has(reason as StreamEnding));
  assert.deepEqual(untried, ['internal'], 'every reason has a test here');
});
