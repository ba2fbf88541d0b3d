/**
 * What AuthorizationPolicies cost a request, in nanoseconds: `node bench/micro/authorization.ts [--against <checkout>]`.
 *
 * Method: one process, no network. The filters that a port gets for some policies are asked about one GET after the other of
 * one connection, as the router asks them. Cases and sides take turns, 100 rounds of 20,000 requests each after a warm-up.
 * The fastest is reported, because all noise is upwards, and the median beside it; and the bytes that a request allocates,
 * by what the heap grew in rounds without a collection. With `--against` the same runs on the sources of another checkout.
 */
import { parseArgs } from 'node:util';
import type { ConnectionInfo } from '../../src/core/runtime.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import type { Scope } from '../../src/http/filter.ts';
import type * as RbacModule from '../../src/filters/rbac/rbac.ts';
import type * as HeadModule from '../../src/http/head.ts';
import type { AuthorizationSpec } from '../../src/policies/authorization/kind.ts';
import type * as ArbitraryModule from '../../src/policies/authorization/test/arbitrary.ts';
import type * as CompiledModule from '../../src/policies/authorization/test/compiled.ts';
import type * as FilterRunModule from '../../src/proxy/router/filter-run.ts';

const ROUNDS = 100;
const WARM_UP = 20;
const REQUESTS = 20_000;

const web = { from: [{ serviceAccounts: ['web'] }] };
const reads = { ...web, to: [{ methods: ['GET'], paths: [{ value: '/products' }] }] };
const others = Array.from({ length: 20 }, (_, i): AuthorizationSpec => {
  return { action: 'ALLOW', rules: [{ from: [{ serviceAccounts: [`caller-${i}`] }], to: [{ methods: ['GET'] }] }] };
});

const CASES: Readonly<Record<string, readonly AuthorizationSpec[]>> = {
  'no policy': [],
  'ALLOW by identity': [{ action: 'ALLOW', rules: [web] }],
  'and by method and path': [{ action: 'ALLOW', rules: [reads] }],
  'among 20 for others': [...others, { action: 'ALLOW', rules: [reads] }],
  'AUDIT, DENY and ALLOW': [
    { action: 'AUDIT', rules: [{ from: [{ namespaces: ['lab'] }] }] },
    { action: 'DENY', rules: [{ to: [{ paths: [{ value: '/admin' }] }] }] },
    { action: 'ALLOW', rules: [reads] },
  ],
};

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const sides = [new URL('../../', import.meta.url)];
if (values.against !== undefined) sides.push(new URL(`file://${values.against}/`));

interface Case {
  readonly name: string;
  readonly run: () => void;
  readonly times: number[];
  readonly bytes: number[];
}

const cases = await Promise.all(sides.map((root) => casesOf(root)));
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const [i, one] of (cases[0] ?? []).entries()) {
    for (const side of cases) {
      const { run, times, bytes } = side[i] ?? one;
      const heap = process.memoryUsage().heapUsed;
      const start = performance.now();
      run();
      const took = performance.now() - start;
      const grown = process.memoryUsage().heapUsed - heap;
      if (round < 0) continue;
      times.push((took * 1e6) / REQUESTS);
      if (grown >= 0) bytes.push(grown / REQUESTS);
    }
  }
}
for (const [i, one] of (cases[0] ?? []).entries()) {
  const columns = cases.map((side) => {
    const { times, bytes } = side[i] ?? one;
    return `${middle(times, 0).toFixed(1)} (median ${middle(times, 0.5).toFixed(1)}) ns, ${middle(bytes, 0.5).toFixed(1)} bytes`;
  });
  console.log(`${one.name.padEnd(24)} ${columns.join('   against ')}`);
}

function middle(from: readonly number[], share: number): number {
  const sorted = from.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}

async function casesOf(root: URL): Promise<readonly Case[]> {
  const load = <T>(path: string): Promise<T> => import(new URL(path, root).href) as Promise<T>;
  const { rbac } = await load<typeof RbacModule>('src/filters/rbac/rbac.ts');
  const { Head } = await load<typeof HeadModule>('src/http/head.ts');
  const { compiled } = await load<typeof CompiledModule>('src/policies/authorization/test/compiled.ts');
  const { idOf, policyOf } = await load<typeof ArbitraryModule>('src/policies/authorization/test/arbitrary.ts');
  const { askOfRequest } = await load<typeof FilterRunModule>('src/proxy/router/filter-run.ts');
  const scope = { counter: () => ({ add() {} }) } as unknown as Scope;
  const connection = {
    local: { host: '10.0.0.2', port: 15_001 },
    remote: { host: '10.0.0.1', port: 40_000 },
    tls: { alpn: 'weft-http1', serverName: '', peer: { uris: [idOf('shop/web')] } },
  } as unknown as ConnectionInfo;
  return Object.entries(CASES).map(([name, specs]): Case => {
    const policies = specs.map((spec, i) => policyOf(`p${i}`, spec));
    const filters = compiled(policies).http.map(({ configType }) => {
      return rbac.create(
        rbac.read(configType.case === 'typedConfig' ? configType.value.value : new Uint8Array()),
        scope,
      );
    });
    const request = Head.request('GET', '/products/loom?size=2', 'catalog');
    const reply = () => {
      throw new Error(`${name}: denied`);
    };
    const exchange = { request, connection, memo: [], ended: false, note() {}, reply } as unknown as Exchange;
    const run = (): void => {
      for (let i = 0; i < REQUESTS; i++) askOfRequest(filters, exchange, 0);
    };
    return { name, run, times: [], bytes: [] };
  });
}
