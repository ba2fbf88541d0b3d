/** Filter chains by addresses: Envoy and our own proxy choose the same ones, and refuse the same listeners. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as fc from 'fast-check';
import { missing } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';
import { HTTP_INSPECTOR, type Json, namedChain, socketAddress, told } from './told.ts';

const SEED = 20_261_122;
const HOSTS = ['127.0.0.1', '127.0.0.2', '127.1.0.1', '127.1.0.2'];
// Not 0.0.0.0/0: to Envoy that is what no range is, and which of the two it takes is not said.
const RANGES = ['127.0.0.0/8', '127.1.0.0/16', '127.0.0.2/31', '127.0.0.1/32', '127.1.0.1/32', '10.0.0.0/8'];
const range = fc.constantFrom(...RANGES).map((text) => {
  const [address_prefix, bits] = text.split('/');
  return { address_prefix, prefix_len: Number(bits) };
});
const few = <T>(of: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 2, arbitrary: fc.constant<T[]>([]) },
    fc.uniqueArray(of, { minLength: 1, maxLength: 2, selector: (value) => JSON.stringify(value) }),
  );

function matches(ports: readonly number[]) {
  return fc.record({
    prefix_ranges: few(range),
    transport_protocol: fc.constantFrom('', 'raw_buffer'),
    application_protocols: fc.constantFrom([], ['http/1.1'], ['h2c']),
    direct_source_prefix_ranges: few(range),
    source_type: fc.constantFrom('ANY', 'SAME_IP_OR_LOOPBACK', 'EXTERNAL'),
    source_prefix_ranges: few(range),
    source_ports: fc.constantFrom<readonly number[]>([], ports, ports.slice(1)),
  });
}

type Match = Readonly<Record<string, unknown>>;

/** No two of them overlap: what both proxies take. */
function isClear(all: readonly Match[]): boolean {
  const share = (a: unknown, b: unknown): boolean => {
    if (!Array.isArray(a) || !Array.isArray(b)) return a === b;
    if (a.length === 0 || b.length === 0) return a.length === b.length;
    return a.some((one) => b.some((other) => JSON.stringify(one) === JSON.stringify(other)));
  };
  return all.every((a, i) => all.slice(i + 1).every((b) => !Object.keys(a).every((key) => share(a[key], b[key]))));
}

const listener = (name: string, all: readonly object[]): Json => ({
  name,
  address: socketAddress('0.0.0.0'),
  listener_filters: [HTTP_INSPECTOR],
  filter_chains: all.map((match, i) => namedChain(`chain ${i}`, match)),
});

const bootstrap = (listeners: readonly Json[]): Json => ({
  node: { id: 'chains', cluster: 'chains' },
  static_resources: { listeners, clusters: [] },
});

describe('filter chains by addresses', { skip: missing('envoy') }, () => {
  let envoy: RunningEnvoy;
  let weft: RunningEnvoy;
  let ports: readonly number[] = [];
  let listeners: readonly Json[] = [];

  before(async () => {
    ports = [await freePort(), await freePort()];
    const sets = fc.sample(fc.array(matches(ports), { minLength: 2, maxLength: 5 }), { numRuns: 60, seed: SEED });
    listeners = sets.filter(isClear).map((all, i) => listener(`l${i}`, all));
    envoy = await startEnvoy(bootstrap(listeners));
    weft = await startWeftProxy(bootstrap(listeners));
  });

  after(async () => {
    await Promise.all([envoy?.stop(), weft?.stop()]);
  });

  test('both proxies answer each connection from the same chain', { timeout: 60_000 }, async () => {
    const seen = new Map<string, number>();
    const ask = fc.sample(
      fc.record({ to: fc.constantFrom(...HOSTS), from: fc.constantFrom(...HOSTS), port: fc.constantFrom(0, 1, 2) }),
      { numRuns: 24, seed: SEED },
    );
    for (const { name } of listeners as readonly { readonly name: string }[]) {
      for (const { to, from, port } of ask) {
        const answers: string[] = [];
        for (const proxy of [envoy, weft]) {
          const local = { localAddress: from, ...(port === 0 ? {} : { localPort: ports[port - 1] as number }) };
          answers.push(await told({ host: to, port: proxy.ports.get(name) as number, ...local }));
        }
        assert.equal(
          answers[1],
          answers[0],
          `${name}: ${from} port ${port} → ${to} ${JSON.stringify(listeners.find((each) => each['name'] === name))}`,
        );
        seen.set(answers[0] as string, (seen.get(answers[0] as string) ?? 0) + 1);
      }
    }
    assert.ok(seen.size >= 4 && seen.has('closed'), JSON.stringify([...seen]));
  });

  test('both refuse chains between which nothing would choose, and say so', { timeout: 60_000 }, async () => {
    const net = (text: string) => ({ address_prefix: text, prefix_len: 8 });
    for (const all of [
      [{ prefix_ranges: [net('127.0.0.0')] }, { prefix_ranges: [net('10.0.0.0'), net('127.9.9.9')] }],
      [
        { source_ports: [1, 2], source_type: 'EXTERNAL' },
        { source_ports: [2, 3], source_type: 'EXTERNAL' },
      ],
      [{}, {}],
    ]) {
      const config = bootstrap([listener('l', all)]);
      await assert.rejects(startEnvoy(config), /overlapping|same matching rules/);
      await assert.rejects(startWeftProxy(config), /filter_chains\[1\]\.filter_chain_match/);
    }
  });
});
