import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_SPREAD } from '../balance-config.ts';
import { labelText, type SubsetConfig, type SubsetSelector, subsetMatchOf } from '../subset-match.ts';
import { HEALTH } from './balancer.ts';
import { configOf, facts, host, type SampleHost } from './sample-hosts.ts';
import { SubsetBalancer, type SubsetCounts } from './subset-balancer.ts';

type Fields = Readonly<Record<string, unknown>>;

const KEYS = ['stage', 'type', 'version'];

function counts(): SubsetCounts {
  return { active: 0, created: 0, removed: 0, selected: 0, fallback: 0, fallbackPanic: 0, refused: 0 };
}

function subsetsOf(parts: Partial<SubsetConfig> = {}): SubsetConfig {
  return {
    fallback: 'none',
    defaultSubset: [],
    selectors: [selector(['version'])],
    localityWeightAware: false,
    scaleLocalityWeight: false,
    listAsAny: false,
    panicModeAny: false,
    fallbackList: false,
    allowRedundantKeys: false,
    ...parts,
  };
}

function selector(keys: readonly string[], parts: Partial<SubsetSelector> = {}): SubsetSelector {
  return { keys, singleHost: false, fallback: 'unset', fallbackKeys: [], ...parts };
}

function balancerOf(subsets: SubsetConfig, hosts: readonly SampleHost[], counted = counts()) {
  const balancer = new SubsetBalancer<SampleHost>(configOf({ subsets }), subsets, null, counted);
  balancer.setHosts(hosts, DEFAULT_SPREAD);
  return balancer;
}

/** Everybody who is ever picked, in order of key; `null` when nobody is. */
function reached(balancer: SubsetBalancer<SampleHost>, asked: Fields | null, picks = 24): readonly string[] | null {
  const by = { ...facts(1), subset: subsetMatchOf(asked) };
  const found = new Set<string>();
  for (let i = 0; i < picks; i++) {
    const picked = balancer.pick(by);
    if (picked === null) return null;
    found.add(picked.endpoint.key);
  }
  return [...found].toSorted();
}

/** Envoy's documentation, read sentence by sentence: nothing is kept, everything is looked for. */
function plainly(config: SubsetConfig, hosts: readonly SampleHost[], asked: Fields | null): readonly string[] | null {
  const keysOf = (chosen: readonly SampleHost[]) =>
    chosen.length === 0 ? null : chosen.map(({ endpoint }) => endpoint.key).toSorted();
  const carries = ({ endpoint: { labels } }: SampleHost, fields: Fields): boolean =>
    Object.entries(fields).every(([key, value]) => {
      const own = labels[key];
      if (own === undefined) return false;
      if (config.listAsAny && Array.isArray(own)) return own.some((each) => labelText(each) === labelText(value));
      return labelText(own) === labelText(value);
    });
  const byDefault = hosts.filter((each) =>
    carries(
      each,
      Object.fromEntries(config.defaultSubset.map(({ key, value }) => [key, JSON.parse(value) as unknown])),
    ),
  );
  if (asked !== null) {
    const isAsked = ({ keys }: SubsetSelector): boolean => labelText(keys) === labelText(Object.keys(asked).toSorted());
    const chosen = config.selectors.find(isAsked);
    const members = chosen === undefined ? [] : hosts.filter((each) => carries(each, asked));
    if (members.length > 0) return keysOf(members);
    if (chosen?.fallback === 'none') return null;
    if (chosen?.fallback === 'any') return keysOf(hosts);
    if (chosen?.fallback === 'default') return keysOf(byDefault);
    if (chosen?.fallback === 'keys') {
      return plainly(
        config,
        hosts,
        Object.fromEntries(Object.entries(asked).filter(([key]) => chosen.fallbackKeys.includes(key))),
      );
    }
  }
  if (config.fallback === 'none') return null;
  const first = keysOf(config.fallback === 'any' ? hosts : byDefault);
  return first ?? (config.panicModeAny ? keysOf(hosts) : null);
}

const someValue = fc.constantFrom<unknown>('a', 'b', 1);
const someLabels = fc.dictionary(
  fc.constantFrom(...KEYS),
  fc.oneof(someValue, fc.array(someValue, { minLength: 1, maxLength: 2 })),
  { maxKeys: 3 },
);
const someAsked = fc.option(fc.dictionary(fc.constantFrom(...KEYS), someValue, { minKeys: 1, maxKeys: 3 }));
const someSelector = fc
  .record({
    keys: fc.subarray(KEYS, { minLength: 1 }),
    fallback: fc.constantFrom('unset' as const, 'none' as const, 'any' as const, 'default' as const, 'keys' as const),
  })
  .map(({ keys, fallback }) =>
    fallback === 'keys' && keys.length > 1
      ? selector(keys, { fallback, fallbackKeys: keys.slice(1) })
      : selector(keys, { fallback: fallback === 'keys' ? 'unset' : fallback }),
  );
const someSubsets = fc
  .record({
    fallback: fc.constantFrom('none' as const, 'any' as const, 'default' as const),
    default: fc.option(someValue),
    selectors: fc.array(someSelector, { maxLength: 3 }),
    listAsAny: fc.boolean(),
    panicModeAny: fc.boolean(),
  })
  .map(({ default: stage, ...parts }) =>
    subsetsOf({ ...parts, defaultSubset: stage === null ? [] : [{ key: 'stage', value: labelText(stage) }] }),
  );

test('picks are those of a plain reading, whatever the endpoints became', () => {
  const someHosts = fc.array(someLabels, { maxLength: 8 });
  const asks = fc.array(someAsked, { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(someSubsets, fc.array(someHosts, { minLength: 1, maxLength: 4 }), asks, (subsets, updates, asked) => {
      const pool = Array.from({ length: 8 }, () => host());
      const balancer = balancerOf(subsets, []);
      for (const update of updates) {
        const hosts = update.map((labels, i) => {
          const known = pool[i] as SampleHost;
          // The state of a host stays, what is said of it is replaced.
          return Object.assign(known, { endpoint: { ...known.endpoint, labels } });
        });
        balancer.setHosts(hosts, DEFAULT_SPREAD);
        for (const each of asked) assert.deepEqual(reached(balancer, each), plainly(subsets, hosts, each));
      }
    }),
    { numRuns: 300 },
  );
});

const V1 = { version: 'v1' };
const V2 = { version: 'v2' };

test('a subset of which nobody is well uses all of itself, and nobody else', () => {
  const sick = host({ labels: V1 }, { health: HEALTH.unhealthy });
  const balancer = balancerOf(subsetsOf({ fallback: 'any' }), [sick, host({ labels: V2 })]);
  assert.deepEqual(reached(balancer, V1), [sick.endpoint.key]);
});

test('health that changes counts in every subset at the next pick', () => {
  const [one, two] = [host({ labels: V1 }), host({ labels: V1 })];
  const balancer = balancerOf(subsetsOf(), [one, two]);
  assert.equal(reached(balancer, V1)?.length, 2);
  two.health = HEALTH.unhealthy;
  balancer.healthChanged();
  assert.deepEqual(reached(balancer, V1), [one.endpoint.key]);
});

test('a single host is its subset whatever its health, unless it leaves', () => {
  const selectors = [selector(['version'], { singleHost: true })];
  const [first, second] = [host({ labels: V1 }, { health: HEALTH.unhealthy }), host({ labels: V1 })];
  const balancer = balancerOf(subsetsOf({ selectors }), [first, second]);
  assert.deepEqual(reached(balancer, V1), [first.endpoint.key]);
  first.health = HEALTH.leaving;
  balancer.healthChanged();
  assert.equal(reached(balancer, V1), null);
});

test('with redundant keys the first selector whose keys are all asked for decides', () => {
  const hosts = [host({ labels: V1 }), host({ labels: V2 })];
  const asked = { ...V1, who: 'me' };
  assert.equal(reached(balancerOf(subsetsOf(), hosts), asked), null);
  const balancer = balancerOf(subsetsOf({ allowRedundantKeys: true }), hosts);
  assert.deepEqual(reached(balancer, asked), [hosts[0]?.endpoint.key]);
});

test('a list of fallbacks is gone through until there is a host', () => {
  const hosts = [host({ labels: V1 }), host({ labels: V2 })];
  const balancer = balancerOf(subsetsOf({ fallbackList: true }), hosts);
  const asked = { version: 'v9', fallback_list: [{ version: 'v8' }, V2] };
  assert.deepEqual(reached(balancer, asked), [hosts[1]?.endpoint.key]);
  assert.deepEqual(reached(balancer, { ...V1, fallback_list: [] }), [hosts[0]?.endpoint.key]);
  assert.equal(reached(balancerOf(subsetsOf(), hosts), asked), null);
});

test('what stays is kept: turns go on where other subsets change', () => {
  const hosts = [1, 2, 3].map(() => host({ labels: V1 }));
  const balancer = balancerOf(subsetsOf(), hosts);
  const by = { ...facts(1), subset: subsetMatchOf(V1) };
  const turns = Array.from({ length: 9 }, () => {
    balancer.setHosts([...hosts, host({ labels: V2 })], DEFAULT_SPREAD);
    return balancer.pick(by)?.endpoint.key ?? '';
  });
  for (const turn of [0, 3, 6]) assert.equal(new Set(turns.slice(turn, turn + 3)).size, 3);
});

test('weights and priorities that change within a subset count', () => {
  const [one, two] = [host({ labels: V1 }), host({ labels: V1 })];
  const balancer = balancerOf(subsetsOf(), [one, two]);
  assert.equal(reached(balancer, V1)?.length, 2);
  Object.assign(two, { endpoint: { ...two.endpoint, priority: 1 } });
  balancer.setHosts([one, two], DEFAULT_SPREAD);
  assert.deepEqual(reached(balancer, V1), [one.endpoint.key]);
});

test('localities have weights in a subset only where it says so, and less of them where hosts are left out', () => {
  const [a, b] = ['a', 'b'].map((zone) => ({ region: '', zone, subZone: '' }));
  assert.ok(a !== undefined && b !== undefined);
  const hosts = [
    host({ labels: V1, locality: a }),
    ...[1, 2, 3].map(() => host({ labels: V2, locality: a })),
    host({ labels: V1, locality: b }),
  ];
  const localities = [
    { ...a, priority: 0, weight: 4 },
    { ...b, priority: 0, weight: 4 },
  ];
  const shareOfA = (parts: Partial<SubsetConfig>): number => {
    const subsets = subsetsOf(parts);
    const balancer = new SubsetBalancer<SampleHost>(
      configOf({ subsets, locality: { kind: 'weighted' } }),
      subsets,
      null,
      counts(),
    );
    balancer.setHosts(hosts, { ...DEFAULT_SPREAD, localities });
    const by = { ...facts(7), subset: subsetMatchOf(V1) };
    let picks = 0;
    for (let i = 0; i < 5_000; i++) if (balancer.pick(by)?.endpoint.locality === a) picks++;
    return picks / 5_000;
  };
  const near = (share: number, want: number) => assert.ok(Math.abs(share - want) < 0.03, `${share} for ${want}`);
  near(shareOfA({ localityWeightAware: true }), 0.5);
  near(shareOfA({ localityWeightAware: true, scaleLocalityWeight: true }), 0.2);
});

test('subsets are counted, and bounded', () => {
  const counted = counts();
  const balancer = balancerOf(subsetsOf({ fallback: 'any' }), [host({ labels: V1 }), host({ labels: V2 })], counted);
  reached(balancer, V1, 3);
  reached(balancer, null, 2);
  balancer.setHosts([host({ labels: V1 })], DEFAULT_SPREAD);
  const { active, created, removed, selected, fallback } = counted;
  assert.deepEqual(
    { active, created, removed, selected, fallback },
    { active: 1, created: 2, removed: 1, selected: 3, fallback: 2 },
  );
  const many = Array.from({ length: 5_000 }, (_, i) => host({ labels: { version: i } }));
  balancer.setHosts(many, DEFAULT_SPREAD);
  assert.deepEqual([counted.active, counted.refused], [4_096, 904]);
  const lists = Object.fromEntries(KEYS.map((key) => [key, Array.from({ length: 100 }, (_, i) => i)]));
  balancerOf(subsetsOf({ selectors: [selector(KEYS)], listAsAny: true }), [host({ labels: lists })], counted);
  assert.ok(counted.active <= 256 && counted.refused > 0);
});
