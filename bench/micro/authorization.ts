/**
 * What AuthorizationPolicies cost a request, in nanoseconds: `node bench/micro/authorization.ts [--against <checkout>]`.
 *
 * Method: one process, no network. The filters that a port gets for some policies are asked about one GET after the other of
 * one connection, as the router asks them. Cases and sides take turns, 100 rounds of 20,000 requests each after a warm-up.
 * The fastest is reported, because all noise is upwards, and the median beside it; and the bytes that a request allocates,
 * by what the heap grew in rounds without a collection. With `--against` the same runs on the sources of another checkout.
 */
import type { ConnectionInfo } from '../../src/core/runtime.ts';
import type { Exchange } from '../../src/http/exchange.ts';
import type { Scope } from '../../src/http/filter.ts';
import type * as RbacModule from '../../src/filters/rbac/rbac.ts';
import type * as HeadModule from '../../src/http/head.ts';
import type { AuthorizationSpec } from '../../src/policies/authorization/kind.ts';
import type * as ArbitraryModule from '../../src/policies/authorization/test/arbitrary.ts';
import type * as CompiledModule from '../../src/policies/authorization/test/compiled.ts';
import type * as FilterRunModule from '../../src/proxy/router/filter-run.ts';
import { type Case, compare } from './side-by-side.ts';

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

await compare(casesOf, { warmUp: WARM_UP, measured: ROUNDS, operations: REQUESTS });

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
