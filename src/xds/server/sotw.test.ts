import assert from 'node:assert/strict';
import test from 'node:test';
import { setVersion } from '../content-version.ts';
import { DiscoveryResponseTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { ResponseCache } from './response-cache.ts';
import {
  CDS,
  EDS,
  LDS,
  names,
  nextOf,
  RDS,
  resource,
  SDS,
  view,
  wholeFixture,
  wholeRequest,
} from './session.fixture.ts';

test('a response is encoded with type, nonce, bytes and the version of its content', () => {
  const { session, ask } = wholeFixture();
  const one = resource(RDS, 'outbound', 'body');
  session.offer(view(one));
  ask(RDS, 'outbound');
  const response = nextOf(session);
  const decoded = decode(DiscoveryResponseTable, response.bytes);
  assert.deepEqual([decoded.typeUrl, decoded.nonce], [RDS, response.nonce]);
  assert.equal(decoded.versionInfo, setVersion([one]));
  assert.deepEqual(decoded.resources, [{ typeUrl: RDS, value: one.bytes }]);
});

test('go-control-plane#1299: a response about listeners or clusters has all that are subscribed, whichever changed', () => {
  for (const type of [LDS, CDS]) {
    const { session, ask, take } = wholeFixture();
    session.offer(view(resource(type, 'a'), resource(type, 'b'), resource(type, 'c')));
    ask(type, 'a', 'b');
    assert.deepEqual(names(take()), ['a', 'b']);
    session.offer(view(resource(type, 'a'), resource(type, 'b', 'new'), resource(type, 'c', 'new')));
    assert.deepEqual(names(take()), ['a', 'b']);
    assert.equal(session.next(), null);
    session.offer(view(resource(type, 'a')));
    const last = take();
    assert.deepEqual([names(last), last.removed], [['a'], ['b']], 'absence is deletion');
    ask(type, 'a', 'c');
    assert.deepEqual(names(take()), ['a'], 'absence answers a name that does not exist');
  }
});

test('other types: a response has what is new alone', () => {
  for (const type of [EDS, RDS, SDS]) {
    const { session, ask, take } = wholeFixture();
    session.offer(view(resource(type, 'a'), resource(type, 'b')));
    ask(type, 'a', 'b');
    assert.deepEqual(names(take()), ['a', 'b']);
    session.offer(view(resource(type, 'a'), resource(type, 'b', 'new')));
    assert.deepEqual(names(take()), ['b']);
    session.offer(view(resource(type, 'a')));
    assert.equal(session.next(), null, 'a deletion cannot be said');
    assert.ok(session.isTypeSettled(type));
  }
});

test('missing names are remembered and pushed when they appear', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(resource(EDS, 'a')));
  ask(EDS, 'a', 'late');
  assert.deepEqual(names(take()), ['a']);
  assert.equal(session.next(), null);
  session.offer(view(resource(EDS, 'a'), resource(EDS, 'late')));
  assert.deepEqual(names(take()), ['late']);
  session.offer(view(resource(EDS, 'a')));
  session.offer(view(resource(EDS, 'a'), resource(EDS, 'late', 'again')));
  assert.deepEqual(names(take()), ['late']);
});

test('legacy wildcard: no name ever sent, for clusters and listeners only', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(resource(CDS, 'c'), resource(LDS, 'l'), resource(RDS, 'r')));
  for (const type of [CDS, LDS, RDS]) ask(type);
  assert.deepEqual([names(take()), names(take())], [['c'], ['l']]);
  assert.equal(session.next(), null);
});

test('legacy wildcard: an empty one is answered, so that the client can start', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view());
  ask(CDS);
  assert.deepEqual(names(take()), []);
  assert.equal(session.next(), null);
});

test('after any name, empty means unsubscribe-all', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b')));
  ask(CDS);
  take();
  ask(CDS, 'a');
  ask(CDS);
  session.offer(view(resource(CDS, 'a', 'new'), resource(CDS, 'b', 'new')));
  assert.equal(session.next(), null);
});

test('go-control-plane#1300: a wildcard begins and ends at any time, and names beside it change nothing', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(resource(EDS, 'a'), resource(EDS, 'b')));
  ask(EDS, 'a');
  assert.deepEqual(names(take()), ['a']);
  ask(EDS, 'a', '*');
  assert.deepEqual(names(take()), ['b']);
  ask(EDS, 'a');
  session.offer(view(resource(EDS, 'a', 'new'), resource(EDS, 'b', 'new')));
  assert.deepEqual(names(take()), ['a']);
  assert.equal(session.next(), null);
});

test('gRPC clients have no legacy wildcard', () => {
  const { session, ask } = wholeFixture({ isGrpc: true });
  session.offer(view(resource(CDS, 'a')));
  ask(CDS);
  assert.equal(session.next(), null);
});

test('names come first, then the NACK: a NACK may change subscriptions too', () => {
  const { session, nacks } = wholeFixture();
  session.offer(view(resource(RDS, 'bad'), resource(RDS, 'other')));
  session.onRequest(wholeRequest(RDS, { names: ['bad'] }));
  const { nonce } = nextOf(session);
  session.onRequest(wholeRequest(RDS, { names: ['other'], nonce, error: 'bad: no' }));
  assert.deepEqual(nacks, []);
  assert.deepEqual(names(nextOf(session)), ['other']);
});

test('a stale nonce changes names and acknowledges nothing; new names wait for the outstanding response', () => {
  const { session } = wholeFixture();
  session.offer(view(resource(EDS, 'a'), resource(EDS, 'b')));
  session.onRequest(wholeRequest(EDS, { names: ['a'] }));
  const first = nextOf(session);
  session.onRequest(wholeRequest(EDS, { names: ['a', 'b'], nonce: 'stale', error: 'no' }));
  assert.equal(session.next(), null);
  assert.equal(session.status()[0]?.acked.size, 0);
  session.onRequest(wholeRequest(EDS, { names: ['a', 'b'], nonce: first.nonce }));
  assert.deepEqual(names(nextOf(session)), ['b'], 'only the new one');
});

test('go-control-plane#1319: a name that does not exist makes no loop of responses and acknowledgements', () => {
  for (const type of [CDS, EDS]) {
    const { session, ask, take } = wholeFixture();
    session.offer(view(resource(type, 'a')));
    ask(type, 'a', 'ghost');
    assert.deepEqual(names(take()), ['a']);
    ask(type, 'a', 'ghost');
    assert.equal(session.next(), null);
    session.offer(view(resource(type, 'a', 'new')));
    take();
    assert.equal(session.next(), null);
  }
});

test('go-control-plane#503: an update while a response is outstanding and a request arrives stalls nothing', () => {
  const { session, ask, take, ack } = wholeFixture();
  session.offer(view(resource(CDS, 'a')));
  ask(CDS);
  const first = nextOf(session);
  session.offer(view(resource(CDS, 'a', 'new'), resource(EDS, 'eds-a')));
  ask(EDS, 'eds-a');
  assert.deepEqual(names(take()), ['eds-a']);
  ack(first);
  assert.deepEqual(names(take()), ['a']);
  assert.deepEqual(names(take()), ['eds-a'], 'for the cluster that warms');
  assert.equal(session.next(), null);
});

test('go-control-plane#1298: who asks for several names gets the updates of each, one after the other', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(resource(EDS, 'a', '1'), resource(EDS, 'b', '1')));
  ask(EDS, 'a', 'b');
  take();
  for (const [a, b, changed] of [
    ['2', '1', 'a'],
    ['2', '2', 'b'],
    ['3', '2', 'a'],
  ] as const) {
    session.offer(view(resource(EDS, 'a', a), resource(EDS, 'b', b)));
    assert.deepEqual(names(take()), [changed]);
    assert.equal(session.next(), null);
  }
});

test('go-control-plane#1498: what was unsubscribed before it was sent is not sent', () => {
  for (const type of [SDS, EDS, CDS]) {
    const { session, ask, take } = wholeFixture();
    session.offer(view(resource(type, 'a')));
    ask(type, 'a');
    take();
    session.offer(view(resource(type, 'a', 'new')));
    ask(type);
    assert.equal(session.next(), null);
  }
});

test('go-control-plane#1301: who unsubscribes and subscribes again is sent it again', () => {
  for (const type of [EDS, CDS]) {
    const { session, ask, take } = wholeFixture();
    session.offer(view(resource(type, 'a'), resource(type, 'b')));
    ask(type, 'a', 'b');
    take();
    ask(type, 'b');
    assert.equal(session.next(), null);
    ask(type, 'a', 'b');
    assert.ok(names(take()).includes('a'));
  }
});

test('order: clusters, endpoints, listeners, routes, secrets, in whatever order they were asked for', () => {
  const { session, ask, take } = wholeFixture();
  session.offer(view(...[CDS, EDS, LDS, RDS, SDS].map((type) => resource(type, 'x'))));
  for (const type of [SDS, RDS, LDS, EDS, CDS]) ask(type, 'x');
  assert.deepEqual(
    [1, 2, 3, 4, 5].map(() => take().type),
    [CDS, EDS, LDS, RDS, SDS],
  );
});

test('make before break: a cluster stays in the response until the routes that used it were acknowledged', () => {
  const { session, ask, take, ack } = wholeFixture();
  session.offer(view(resource(CDS, 'a'), resource(RDS, 'r', 'to a')));
  ask(CDS);
  ask(RDS, 'r');
  take();
  take();
  session.offer(view(resource(CDS, 'b'), resource(RDS, 'r', 'to b')));
  assert.deepEqual(names(take()), ['a', 'b']);
  const routes = nextOf(session);
  assert.deepEqual(names(routes), ['r']);
  assert.equal(session.next(), null);
  ack(routes);
  const removal = take();
  assert.deepEqual([removal.type, names(removal), removal.removed], [CDS, ['b'], ['a']]);
  assert.equal(session.next(), null);
});

test('warming (envoy#13009): a changed cluster brings its unchanged assignment again, an unchanged one does not', () => {
  const { session, ask, take } = wholeFixture();
  const assignments = [resource(EDS, 'eds-a'), resource(EDS, 'eds-b')];
  session.offer(view(resource(CDS, 'a'), resource(CDS, 'b'), ...assignments));
  ask(CDS);
  ask(EDS, 'eds-a', 'eds-b');
  take();
  take();
  session.offer(view(resource(CDS, 'a', 'new'), resource(CDS, 'b'), ...assignments));
  assert.deepEqual(names(take()), ['a', 'b']);
  assert.deepEqual(names(take()), ['eds-a']);
  assert.equal(session.next(), null);
});

test('a refused cluster is not sent again until its content changes: the last good one stands in its place', () => {
  const { session, ask, take, nacks } = wholeFixture();
  const good = resource(CDS, 'a', 'good');
  session.offer(view(good, resource(CDS, 'b')));
  ask(CDS);
  take();
  session.offer(view(resource(CDS, 'a', 'bad'), resource(CDS, 'b')));
  session.onRequest(wholeRequest(CDS, { nonce: nextOf(session).nonce, error: 'out of luck' }));
  assert.deepEqual(
    nacks.map((nack) => nack.name),
    ['a'],
    'what came along unchanged is not blamed',
  );
  assert.equal(session.next(), null);
  session.offer(view(resource(CDS, 'a', 'bad'), resource(CDS, 'b', 'new')));
  const third = take();
  assert.deepEqual(names(third), ['a', 'b']);
  assert.equal(third.resources[0]?.version, good.version);
  session.offer(view(resource(CDS, 'a', 'bad'), resource(CDS, 'b', 'newer')));
  assert.equal(take().resources[0]?.version, good.version, 'what stands in was accepted, which lifts nothing');
  session.offer(view(resource(CDS, 'a', 'better'), resource(CDS, 'b', 'newer')));
  assert.equal(take().resources[0]?.version, resource(CDS, 'a', 'better').version);
  assert.equal(session.status()[0]?.refused.size, 0);
});

test('a reconnect under a wildcard with the version of what is offered transfers nothing', () => {
  const offered = [resource(CDS, 'a'), resource(CDS, 'b')];
  const { session } = wholeFixture();
  session.onRequest(wholeRequest(CDS, { version: setVersion(offered) }));
  assert.ok(session.status().length > 0, 'looked at before there is a view');
  session.offer(view(...offered));
  assert.equal(session.next(), null);
  assert.ok(session.isTypeSettled(CDS));
  session.offer(view(offered[0] ?? resource(CDS, 'a')));
  assert.deepEqual(names(nextOf(session)), ['a']);
});

test('a reconnect with another version, or with names, is answered in full', () => {
  const offered = [resource(CDS, 'a')];
  const version = setVersion(offered);
  for (const ask of [{ version: 'other' }, { version, names: ['a'] }]) {
    const { session } = wholeFixture();
    session.offer(view(...offered));
    session.onRequest(wholeRequest(CDS, ask));
    assert.deepEqual(names(nextOf(session)), ['a']);
  }
});

test('the same response is framed once for all streams, and apart from delta', () => {
  const responses = new ResponseCache();
  const offered = view(resource(EDS, 'a'), resource(EDS, 'b'));
  const frames = Array.from({ length: 50 }, () => {
    const { session, ask } = wholeFixture({ responses });
    session.offer(offered);
    ask(EDS, 'b', 'a');
    return nextOf(session).bytes;
  });
  assert.equal(new Set(frames).size, 1);
  assert.equal(responses.framings, 1);
  responses.frame(
    { variant: 'delta', type: EDS, resources: [resource(EDS, 'a'), resource(EDS, 'b')], removed: [], absent: [] },
    0,
  );
  assert.equal(responses.framings, 2);
});

test('versions are hashes of content: equal on every replica and after every restart', () => {
  const versions = ['one', 'two'].map(() => {
    const { session, ask } = wholeFixture({ responses: new ResponseCache() });
    session.offer(view(resource(CDS, 'b'), resource(CDS, 'a')));
    ask(CDS);
    return decode(DiscoveryResponseTable, nextOf(session).bytes).versionInfo;
  });
  assert.equal(versions[0], versions[1]);
  assert.notEqual(versions[0], '');
});

test('nonces are per stream: that of another stream acknowledges nothing', () => {
  const responses = new ResponseCache();
  const [one, other] = [wholeFixture({ responses }), wholeFixture({ responses })];
  one.session.offer(view(resource(EDS, 'a', '1')));
  other.session.offer(view(resource(EDS, 'a', '2')));
  one.ask(EDS, 'a');
  other.ask(EDS, 'a');
  const { nonce } = nextOf(one.session);
  nextOf(other.session);
  other.session.onRequest(wholeRequest(EDS, { names: ['a'], nonce }));
  assert.equal(other.session.status()[0]?.acked.size, 0);
});

test('a large change of endpoints is split below the bound; clusters never are', () => {
  const { session, ask, take } = wholeFixture({ maxResponseBytes: 250 });
  const all = (type: typeof EDS | typeof LDS) => ['a', 'b', 'c'].map((name) => resource(type, name, 'x'.repeat(100)));
  session.offer(view(...all(EDS), ...all(LDS)));
  ask(EDS, 'a', 'b', 'c');
  ask(LDS);
  assert.deepEqual(
    [1, 2, 3].map(() => names(take())),
    [['a', 'b'], ['c'], ['a', 'b', 'c']],
  );
});
