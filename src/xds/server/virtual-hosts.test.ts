import assert from 'node:assert/strict';
import test from 'node:test';
import { xdsResource } from '../content-version.ts';
import { TYPE_URLS, type XdsResource } from '../resource.ts';
import { DeltaDiscoveryResponseTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { CDS, fixture, names, nextOf, RDS, request, resource, view } from './session.fixture.ts';

const VHDS = TYPE_URLS.virtualHosts;

function host(name: string, content: string, ...aliases: readonly string[]): XdsResource {
  return xdsResource(VHDS, name, new TextEncoder().encode(content), [], aliases);
}

test('virtual hosts: a first request without names gets those that there are (envoy#12742)', () => {
  const { session, take } = fixture();
  session.offer(view(host('outbound/seed', 'a')));
  session.onRequest(request(VHDS));
  assert.deepEqual(names(take()), ['outbound/seed']);
});

test('virtual hosts: a name is answered by the resource that has it as an alias', () => {
  const { session } = fixture();
  const one = host('outbound/catalog', 'a', 'outbound/catalog.shop:80');
  session.offer(view(one));
  session.onRequest(request(VHDS, { subscribe: ['outbound/catalog.shop:80'] }));
  const response = nextOf(session);
  const [sent] = decode(DeltaDiscoveryResponseTable, response.bytes).resources;
  assert.deepEqual([sent?.name, sent?.aliases], [one.name, one.aliases]);
  session.onRequest(request(VHDS, { nonce: response.nonce }));
  assert.equal(session.next(), null);
});

test('virtual hosts: an unknown name is answered by a resource without content, never as removed', () => {
  const { session, ack } = fixture();
  session.offer(view(host('outbound/seed', 'a')));
  session.onRequest(request(VHDS));
  ack(nextOf(session));
  session.onRequest(request(VHDS, { subscribe: ['outbound/nobody:80'] }));
  const response = nextOf(session);
  const decoded = decode(DeltaDiscoveryResponseTable, response.bytes);
  assert.deepEqual(decoded.removedResources, []);
  const [only] = decoded.resources;
  assert.deepEqual(
    [only?.name, only?.aliases, only?.resource],
    ['outbound/nobody:80', ['outbound/nobody:80'], undefined],
  );
  ack(response);
  assert.equal(session.next(), null);
  assert.ok(session.isTypeSettled(VHDS));
  session.offer(view(host('outbound/seed', 'a'), host('outbound/nobody', 'b', 'outbound/nobody:80')));
  assert.deepEqual(names(nextOf(session)), ['outbound/nobody']);
});

test('virtual hosts come after routes, and a cluster is removed only after the virtual hosts that named it', () => {
  const { session, take, ack } = fixture();
  session.offer(view(resource(CDS, 'a'), resource(RDS, 'r'), host('r/x', 'to a')));
  session.onRequest(request(VHDS));
  session.onRequest(request(RDS, { subscribe: ['r'] }));
  session.onRequest(request(CDS));
  assert.deepEqual([take().type, take().type, take().type], [CDS, RDS, VHDS]);
  session.offer(view(resource(CDS, 'b'), resource(RDS, 'r'), host('r/x', 'to b')));
  take();
  const hosts = nextOf(session);
  assert.equal(session.next(), null);
  ack(hosts);
  assert.deepEqual(take().removed, ['a']);
});

test('another alias is another version', () => {
  assert.notEqual(host('x', 'a').version, host('x', 'a', 'b').version);
});
