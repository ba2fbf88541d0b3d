import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { httpManager, mtlsChain } from '../../test/support/proxy-snapshots.ts';
import { type ChainFacts, matchChain, whyNoChain } from './match-chain.ts';
import type { FilterChain, FilterChainMatch } from './snapshot.ts';

function chain(name: string, match: Partial<FilterChainMatch>, mutual = false): FilterChain {
  return {
    name,
    match: {
      serverNames: [],
      transportProtocol: '',
      applicationProtocols: [],
      destinationPort: 0,
      addresses: null,
      ...match,
    },
    tls: mutual ? mtlsChain(httpManager('outbound'), 'h2').tls : null,
    filters: [],
    network: {
      kind: 'tcp',
      statPrefix: '',
      clusters: [],
      hashesSource: false,
      demandMs: 0,
      idleTimeoutMs: 0,
      accessLogs: null,
    },
  };
}

function facts(parts: Partial<ChainFacts>): ChainFacts {
  return {
    destinationHost: '10.0.0.1',
    destinationPort: 0,
    sourceHost: '10.0.0.2',
    sourcePort: 40_000,
    directSourceHost: '10.0.0.2',
    serverName: '',
    transport: 'tls',
    protocols: [],
    ...parts,
  };
}

function named(chains: readonly FilterChain[], parts: Partial<ChainFacts>): string | null {
  return matchChain({ chains, defaultChain: null }, facts(parts))?.name ?? null;
}

const MESH = ['*.mesh.weft.local'];
const STRICT = [
  chain('tcp', { serverNames: MESH, transportProtocol: 'tls', applicationProtocols: ['weft-tcp'] }, true),
  chain('http', { serverNames: MESH, transportProtocol: 'tls', applicationProtocols: ['http/1.1'] }, true),
];
const PERMISSIVE = [
  ...STRICT,
  chain('foreign-tls', { transportProtocol: 'tls' }),
  chain('raw-http', { transportProtocol: 'raw_buffer', applicationProtocols: ['http/1.0', 'http/1.1'] }),
  chain('raw', { transportProtocol: 'raw_buffer' }),
];
const SNI = 'catalog.shop.mesh.weft.local';

test('a permissive port tells mesh traffic, foreign TLS, clear HTTP and the rest apart', () => {
  assert.equal(named(PERMISSIVE, { serverName: SNI, protocols: ['weft-tcp'] }), 'tcp');
  assert.equal(named(PERMISSIVE, { serverName: SNI, protocols: ['http/1.1'] }), 'http');
  assert.equal(named(PERMISSIVE, { serverName: 'example.com', protocols: ['h2', 'http/1.1'] }), 'foreign-tls');
  assert.equal(named(PERMISSIVE, {}), 'foreign-tls');
  assert.equal(named(PERMISSIVE, { transport: 'raw_buffer', protocols: ['http/1.1'] }), 'raw-http');
  assert.equal(named(PERMISSIVE, { transport: 'raw_buffer' }), 'raw');
});

test('a strict port refuses everything else and says why', () => {
  const why = (parts: Partial<ChainFacts>): string => {
    assert.equal(named(STRICT, parts), null);
    return whyNoChain({ chains: STRICT, defaultChain: null }, facts(parts));
  };
  assert.equal(why({ transport: 'raw_buffer', protocols: ['http/1.1'] }), 'plaintext on a port that requires mTLS');
  assert.equal(why({ serverName: SNI, protocols: ['h2'] }), 'foreign ALPN h2; this port accepts weft-tcp, http/1.1');
  assert.equal(why({ serverName: SNI }), 'no ALPN was recognised; this port accepts weft-tcp, http/1.1');
  assert.equal(
    why({ serverName: 'example.com' }),
    'server name example.com is unknown; this port accepts *.mesh.weft.local',
  );
  assert.equal(why({}), 'no server name was sent; this port accepts *.mesh.weft.local');
});

test('an unknown name is the reason too where one protocol is taken under any name', () => {
  const chains = [...STRICT, chain('any-h2', { transportProtocol: 'tls', applicationProtocols: ['h2'] })];
  const why = (parts: Partial<ChainFacts>): string => whyNoChain({ chains, defaultChain: null }, facts(parts));
  assert.equal(named(chains, { serverName: 'example.com', protocols: ['h2'] }), 'any-h2');
  assert.equal(
    why({ serverName: 'example.com', protocols: ['http/1.1'] }),
    'server name example.com is unknown; this port accepts *.mesh.weft.local',
  );
  assert.equal(why({ serverName: 'example.com', protocols: ['h3'] }), 'foreign ALPN h3; this port accepts h2');
});

test('TLS on a port without a TLS chain is named', () => {
  const chains = [chain('raw', { transportProtocol: 'raw_buffer' })];
  assert.equal(whyNoChain({ chains, defaultChain: null }, facts({})), 'TLS on a port that takes clear text only');
});

test('an exact server name wins over a wildcard, a longer wildcard over a shorter', () => {
  const chains = ['*.com', '*.a.com', 'x.a.com'].map((name) => chain(name, { serverNames: [name] }));
  assert.equal(named(chains, { serverName: 'x.a.com' }), 'x.a.com');
  assert.equal(named(chains, { serverName: 'y.a.com' }), '*.a.com');
  assert.equal(named(chains, { serverName: 'a.com' }), '*.com');
  assert.equal(named(chains, { serverName: 'com' }), null);
});

test('a step that matched is not gone back on, as in Envoy', () => {
  const chains = [chain('sni', { serverNames: ['a'], applicationProtocols: ['h2'] }), chain('any', {})];
  assert.equal(named(chains, { serverName: 'a', protocols: ['h2'] }), 'sni');
  assert.equal(named(chains, { serverName: 'a', protocols: ['http/1.1'] }), null);
});

test('the port decides first, and the default chain takes what nothing matches', () => {
  const chains = [chain('80', { destinationPort: 80, transportProtocol: 'tls' }), chain('any', {})];
  assert.equal(named(chains, { destinationPort: 80 }), '80');
  assert.equal(named(chains, { destinationPort: 81 }), 'any');
  const rest = chain('rest', {});
  const found = matchChain({ chains, defaultChain: rest }, facts({ destinationPort: 80, transport: 'raw_buffer' }));
  assert.equal(found?.name, 'rest');
});

test("the client's order of preference decides between protocols", () => {
  const chains = ['h2', 'http/1.1'].map((name) => chain(name, { applicationProtocols: [name] }));
  assert.equal(named(chains, { protocols: ['http/1.1', 'h2'] }), 'http/1.1');
});

test('there is a reason exactly when there is no chain', () => {
  fc.assert(
    fc.property(
      fc.record({
        destinationPort: fc.constantFrom(0, 80),
        serverName: fc.constantFrom('', SNI, 'other'),
        transport: fc.constantFrom('tls' as const, 'raw_buffer' as const),
        protocols: fc.array(fc.constantFrom('h2', 'http/1.1', 'weft-tcp')),
      }),
      fc.subarray(PERMISSIVE),
      (parts, chains) => {
        const listener = { chains, defaultChain: null };
        assert.equal(matchChain(listener, facts(parts)) === null, whyNoChain(listener, facts(parts)) !== '');
      },
    ),
  );
});
