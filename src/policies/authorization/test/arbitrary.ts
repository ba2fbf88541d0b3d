/** Policies and requests out of few words, so that they meet. */
import fc from 'fast-check';
import type { AuthorizationPolicy, AuthorizationSpec } from '../kind.ts';
import type { NaiveCaller, NaiveRequest } from './naive.ts';

export const PORT = 8080;
export const TRUST_DOMAIN = 'weft.local';
export const NAMESPACE = 'shop';

/** The last one has none. */
export const CALLERS = ['shop/web', 'shop/batch', 'lab/web', 'labs/web', null] as const;

export function idOf(caller: string): string {
  const [namespace, account] = caller.split('/');
  return `spiffe://${TRUST_DOMAIN}/ns/${namespace}/sa/${account}`;
}

const METHODS = ['GET', 'POST', 'DELETE'] as const;
const PATHS = ['/', '/a', '/a/', '/a/b', '/ab', '/b'] as const;
const VALUES = ['x', 'xy', 'z'] as const;
const IPS = ['127.0.0.1', '127.0.0.2', '127.1.0.1'] as const;

function some<T>(from: readonly T[]): fc.Arbitrary<T[] | undefined> {
  return fc.option(fc.uniqueArray(fc.constantFrom(...from), { minLength: 1, maxLength: 2 }), {
    nil: undefined,
    freq: 2,
  });
}

const ids = [
  idOf('shop/web'),
  idOf('lab/web'),
  `spiffe://${TRUST_DOMAIN}/ns/lab*`,
  `spiffe://${TRUST_DOMAIN}/ns/shop/*`,
  '*',
];
const blocks = ['127.0.0.1', '127.0.0.0/16', '127.0.0.0/8', '10.0.0.0/8'];
const accounts = ['web', 'lab/web', 'shop/batch'];
const namespaces = ['shop', 'lab'];
const paths = PATHS.flatMap((value) => [{ value }, { type: 'Exact' as const, value }]);

const source = record({
  principals: some(ids),
  namespaces: some(namespaces),
  serviceAccounts: some(accounts),
  ipBlocks: some(blocks),
  notPrincipals: some(ids),
  notNamespaces: some(namespaces),
  notServiceAccounts: some(accounts),
  notIpBlocks: some(blocks),
});

const operation = record({
  ports: some([PORT, 9090]),
  methods: some(METHODS),
  paths: some(paths),
  notPorts: some([9090, PORT, 7070]),
  notMethods: some(METHODS),
  notPaths: some(paths),
});

const header = fc
  .record({
    name: fc.constantFrom('x-a', 'X-B'),
    type: fc.constantFrom('Exact' as const, 'Prefix' as const, 'Present' as const),
    value: fc.constantFrom(...VALUES),
    not: fc.boolean(),
  })
  .map(({ value, ...rest }) => (rest.type === 'Present' ? rest : { ...rest, value }));

const rule = record({
  from: fc.option(fc.array(source, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  to: fc.option(fc.array(operation, { minLength: 1, maxLength: 2 }), { nil: undefined }),
  headers: fc.option(fc.array(header, { minLength: 1, maxLength: 2 }), { nil: undefined, freq: 1 }),
});

const spec: fc.Arbitrary<AuthorizationSpec> = fc
  .record({
    action: fc.constantFrom('ALLOW' as const, 'DENY' as const, 'AUDIT' as const),
    rules: fc.array(rule, { minLength: 1, maxLength: 3 }),
  })
  .map((made) => made as AuthorizationSpec);

/** None to three of them for one workload. */
export const policies: fc.Arbitrary<readonly AuthorizationPolicy[]> = fc
  .array(spec, { maxLength: 3 })
  .map((specs) => specs.map((each, i) => policyOf(`p${i}`, each)));

export function policyOf(name: string, written: AuthorizationSpec): AuthorizationPolicy {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'AuthorizationPolicy',
    metadata: { name, namespace: NAMESPACE },
    spec: written,
  };
}

export const callers: fc.Arbitrary<NaiveCaller> = fc.record({
  id: fc.constantFrom(...CALLERS).map((caller) => (caller === null ? null : idOf(caller))),
  ip: fc.constantFrom(...IPS),
});

export const requests: fc.Arbitrary<NaiveRequest> = fc.record({
  method: fc.constantFrom(...METHODS),
  path: fc.constantFrom(...PATHS),
  headers: fc
    .uniqueArray(fc.tuple(fc.constantFrom('x-a', 'x-b'), fc.constantFrom(...VALUES)), {
      selector: ([name]) => name,
      maxLength: 2,
    })
    .map((fields) => new Map(fields)),
});

/** Fields that are undefined are left out. */
function record<T extends object>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<Partial<T>> {
  return fc
    .record(model)
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== undefined)) as Partial<T>);
}
