import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { chainOf, tcpProxy } from '../../test/support/proxy-snapshots.ts';
import { create } from '../xds/wire/table.ts';
import { CidrRangeTable, FilterChainMatchTable } from '../xds/tables/tables.gen.ts';
import { type ChainFacts, matchChain, whyNoChain } from './match-chain.ts';
import { readChainMatch, refuseOverlaps } from './read/chain-match.ts';
import type { FilterChain, FilterChainMatch } from './snapshot.ts';

/** One chain's match in the words of its message. */
interface Words {
  readonly port: number;
  readonly to: readonly string[];
  readonly names: readonly string[];
  readonly transport: string;
  readonly protocols: readonly string[];
  readonly direct: readonly string[];
  readonly type: number;
  readonly from: readonly string[];
  readonly ports: readonly number[];
}

const ANY: Words = {
  port: 0,
  to: [],
  names: [],
  transport: '',
  protocols: [],
  direct: [],
  type: 0,
  from: [],
  ports: [],
};

function readWords(words: Partial<Words>): FilterChainMatch {
  const { port, to, names, transport, protocols, direct, type, from, ports } = { ...ANY, ...words };
  const ranges = (texts: readonly string[]) =>
    texts.map((text) => {
      const [addressPrefix = '', bits] = text.split('/');
      return create(CidrRangeTable, { addressPrefix, prefixLen: Number(bits) });
    });
  return readChainMatch(
    'm',
    create(FilterChainMatchTable, {
      destinationPort: port,
      prefixRanges: ranges(to),
      serverNames: names,
      transportProtocol: transport,
      applicationProtocols: protocols,
      directSourcePrefixRanges: ranges(direct),
      sourceType: type,
      sourcePrefixRanges: ranges(from),
      sourcePorts: ports,
    }),
  );
}

function chain(name: string, words: Partial<Words>): FilterChain {
  return { ...chainOf(tcpProxy('c'), readWords(words)), name };
}

const FACTS: ChainFacts = {
  destinationHost: '10.0.0.1',
  destinationPort: 80,
  sourceHost: '10.1.0.2',
  sourcePort: 40_000,
  directSourceHost: '10.1.0.2',
  serverName: '',
  transport: 'raw_buffer',
  protocols: [],
};

function named(chains: readonly FilterChain[], facts: Partial<ChainFacts>): string | null {
  return matchChain({ chains, defaultChain: null }, { ...FACTS, ...facts })?.name ?? null;
}

test('the longest prefix of the destination wins, and no range is the range of everything', () => {
  const chains = [
    chain('host', { to: ['10.0.0.1/32'] }),
    chain('net', { to: ['10.0.0.0/8', 'fd00::/8'] }),
    chain('any', {}),
  ];
  assert.equal(named(chains, {}), 'host');
  assert.equal(named(chains, { destinationHost: '10.9.0.1' }), 'net');
  assert.equal(named(chains, { destinationHost: 'fd00::1' }), 'net');
  assert.equal(named(chains, { destinationHost: '::ffff:10.9.0.1' }), 'net');
  assert.equal(named(chains, { destinationHost: '11.0.0.1' }), 'any');
  assert.equal(named(chains.slice(0, 2), { destinationHost: '11.0.0.1' }), null);
});

test('local is a canonical loopback address, or both ends at one address', () => {
  const chains = [chain('local', { type: 1 }), chain('external', { type: 2 })];
  assert.equal(named(chains, { sourceHost: '127.0.0.1' }), 'local');
  assert.equal(named(chains, { sourceHost: '::1' }), 'local');
  assert.equal(named(chains, { sourceHost: '127.0.0.2' }), 'external');
  assert.equal(named(chains, { sourceHost: '10.0.0.1' }), 'local');
  assert.equal(named(chains, {}), 'external');
});

test('who connected and who calls are told apart', () => {
  const chains = [
    chain('balancer', { direct: ['10.1.0.0/16'], from: ['192.0.2.0/24'], ports: [7] }),
    chain('rest', {}),
  ];
  assert.equal(named(chains, { sourceHost: '192.0.2.9', sourcePort: 7 }), 'balancer');
  // Envoy does not go back to `rest`: the direct source has decided.
  assert.equal(named(chains, { sourceHost: '198.51.100.9', sourcePort: 7 }), null);
  assert.equal(named(chains, { sourceHost: '192.0.2.9', sourcePort: 8 }), null);
  assert.equal(named(chains, { directSourceHost: '10.2.0.1' }), 'rest');
});

test('an address that nobody serves, and a caller that nobody takes, are named', () => {
  const why = (words: Partial<Words>) => whyNoChain({ chains: [chain('a', words)], defaultChain: null }, FACTS);
  assert.equal(why({ to: ['11.0.0.0/8'] }), 'address 10.0.0.1 is not served by this listener');
  assert.equal(why({ direct: ['11.0.0.0/8'] }), 'no filter chain is for peers at 10.1.0.2');
  assert.equal(why({ type: 1 }), 'no filter chain is for callers from where this one is');
  assert.equal(why({ from: ['11.0.0.0/8'] }), 'no filter chain is for callers at 10.1.0.2 port 40000');
  assert.equal(why({ ports: [1] }), 'no filter chain is for callers at 10.1.0.2 port 40000');
});

test('chains between which nothing would choose are refused', () => {
  const refused = (...all: readonly Partial<Words>[]) => {
    try {
      refuseOverlaps(all.map((words) => ({ match: readWords(words) })));
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  assert.match(
    refused({ to: ['10.0.0.0/8', '11.0.0.0/8'] }, { to: ['11.1.1.1/8'] }),
    /takes what filter_chains\[0\] takes/,
  );
  assert.match(refused({}, { port: 80 }, {}), /takes what filter_chains\[0\] takes \(filter_chains\[2\]/);
  assert.match(refused({ ports: [1, 2], from: ['::/0'] }, { ports: [2, 3], from: ['::/0'] }), /takes/);
  assert.equal(refused({ ports: [1] }, { ports: [2] }, { ports: [1], type: 1 }, {}), '');
  assert.equal(refused({ to: ['10.0.0.0/8'] }, { to: ['10.0.0.0/9'] }, { to: ['10.0.0.0/8'], direct: ['::/1'] }), '');
});

test('what is no address, port or type is refused by its field', () => {
  const path = (words: Partial<Words>): unknown => {
    try {
      return readWords(words);
    } catch (error) {
      return (error as { where?: string }).where;
    }
  };
  assert.equal(path({ to: ['nowhere/8'] }), 'm.prefix_ranges[0].address_prefix');
  assert.equal(path({ from: ['::/0', '10.0.0.0/33'] }), 'm.source_prefix_ranges[1].prefix_len');
  assert.equal(path({ direct: ['/8'] }), 'm.direct_source_prefix_ranges[0].address_prefix');
  assert.equal(path({ ports: [1, 70_000] }), 'm.source_ports[1]');
  assert.equal(path({ port: 70_000 }), 'm.destination_port');
  assert.equal(path({ type: 9 }), 'm.source_type');
});

const RANGES = [
  '0.0.0.0/0',
  '10.0.0.0/8',
  '10.0.0.0/31',
  '10.0.0.1/32',
  '127.0.0.0/8',
  '::/0',
  'fd00::/8',
  'fd00::1/128',
];
const HOSTS = ['10.0.0.0', '10.0.0.1', '10.7.0.1', '127.0.0.1', '127.0.0.2', '192.0.2.1', '::1', 'fd00::1', 'fd00::2'];
const some = <T>(of: readonly T[]) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant<T[]>([]) }, fc.uniqueArray(fc.constantFrom(...of), { maxLength: 3 }));
const wordsOf = fc.record({
  port: fc.constantFrom(0, 80),
  to: some(RANGES),
  names: some(['a.b.c', '*.b.c', '*.c']),
  transport: fc.constantFrom('', '', 'tls', 'raw_buffer'),
  protocols: some(['h2', 'http/1.1']),
  direct: some(RANGES),
  type: fc.constantFrom(0, 0, 1, 2),
  from: some(RANGES),
  ports: some([1, 2]),
});
const host = fc.constantFrom(...HOSTS);
const factsOf = fc.record({
  destinationHost: host,
  destinationPort: fc.constantFrom(80, 81),
  sourceHost: host,
  sourcePort: fc.constantFrom(1, 2, 3),
  directSourceHost: host,
  serverName: fc.constantFrom('', 'a.b.c', 'x.b.c', 'x.y.c', 'other'),
  transport: fc.constantFrom('tls' as const, 'raw_buffer' as const),
  protocols: fc.subarray(['h2', 'http/1.1', 'h3']),
});

/**
 * As Envoy keeps them: a tree with a level a criterion, whose keys are what the messages say. A connection tries at each
 * level the keys that it has, the most specific first, and goes down at the first that is there.
 */
function readPlainly(all: readonly Words[], facts: ChainFacts): number | null {
  const keysOf: readonly ((words: Words) => readonly string[])[] = [
    ({ port }) => [String(port)],
    ({ to }) => orAll(to),
    ({ names }) => orAny(names),
    ({ transport }) => [transport],
    ({ protocols }) => orAny(protocols),
    ({ direct }) => orAll(direct),
    ({ type }) => [String(type)],
    ({ from }) => orAll(from),
    ({ ports }) => orAny(ports.map(String)),
  ];
  const { serverName, sourceHost, destinationHost } = facts;
  const labels = serverName.split('.');
  const isLocal = ['127.0.0.1', '::1', destinationHost].includes(sourceHost);
  const tried: readonly (readonly string[])[] = [
    [String(facts.destinationPort), '0'],
    prefixes(destinationHost),
    [serverName, ...labels.slice(1).map((_, i) => `*.${labels.slice(i + 1).join('.')}`), ''],
    [facts.transport, ''],
    [...facts.protocols, ''],
    prefixes(facts.directSourceHost),
    [isLocal ? '1' : '2', '0'],
    prefixes(sourceHost),
    [String(facts.sourcePort), ''],
  ];
  let left = all.map((words, index) => ({ words, index }));
  for (const [level, keys] of keysOf.entries()) {
    const key = tried[level]?.find((each) => left.some(({ words }) => keys(words).includes(each)));
    if (key === undefined) return null;
    left = left.filter(({ words }) => keys(words).includes(key));
  }
  return left[0]?.index ?? null;
}

const orAny = (values: readonly string[]) => (values.length === 0 ? [''] : values);
const orAll = (ranges: readonly string[]) => (ranges.length === 0 ? ['0.0.0.0/0', '::/0'] : ranges);

/** Of the ranges that are used here, those that hold the address, the longest first. */
function prefixes(address: string): readonly string[] {
  switch (address) {
    case '10.0.0.0':
      return ['10.0.0.0/31', '10.0.0.0/8', '0.0.0.0/0'];
    case '10.0.0.1':
      return ['10.0.0.1/32', '10.0.0.0/31', '10.0.0.0/8', '0.0.0.0/0'];
    case '10.7.0.1':
      return ['10.0.0.0/8', '0.0.0.0/0'];
    case '127.0.0.1':
    case '127.0.0.2':
      return ['127.0.0.0/8', '0.0.0.0/0'];
    case '192.0.2.1':
      return ['0.0.0.0/0'];
    case 'fd00::1':
      return ['fd00::1/128', 'fd00::/8', '::/0'];
    case 'fd00::2':
      return ['fd00::/8', '::/0'];
    default:
      return ['::/0'];
  }
}

test('any chains choose for any connection as the plain reading of the documentation does', () => {
  let found = 0;
  fc.assert(
    fc.property(fc.array(wordsOf, { maxLength: 6 }), factsOf, (all, facts) => {
      const chains = all.map((words, i) => chain(String(i), words));
      const expected = readPlainly(all, facts);
      if (expected !== null) found++;
      const listener = { chains, defaultChain: null };
      assert.equal(matchChain(listener, facts)?.name ?? null, expected === null ? null : String(expected));
      assert.equal(whyNoChain(listener, facts) === '', expected !== null);
    }),
    { numRuns: 3_000 },
  );
  assert.ok(found > 300, String(found));
});
