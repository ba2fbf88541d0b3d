/** What statuses of policies say of targets, of those who do not enforce them, and of ports that they close. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { View } from '../../api/reader.ts';
import { type Key, keyOf, type Resource } from '../../api/resource.ts';
import { authorizationKind } from '../../policies/authorization/policy.ts';
import { peerAuthenticationKind } from '../../policies/peer-authentication/kind.ts';
import { MeshIndex } from '../index/mesh-index.ts';
import { closedPorts } from './closed-ports.ts';
import { faultAncestors } from './fault-ancestors.ts';
import { patchAncestors } from './patch-ancestors.ts';
import { policyAncestors } from './policy-ancestors.ts';
import type { Report } from './report.ts';
import { workloadPolicyAncestors } from './workload-policy-ancestors.ts';

function object(kind: string, name: string, spec: object, labels: Record<string, string> = {}, age = 5): Resource {
  const creationTimestamp = `2026-01-01T00:00:0${age}Z`;
  const metadata = { name, namespace: 'shop', uid: `${kind}-${name}`, resourceVersion: '1', labels, creationTimestamp };
  return { apiVersion: 'weft.mesh/v1', kind, metadata, spec };
}

const workload = (name: string, spec: object = {}) =>
  object('Workload', name, { service: 'catalog', account: 'catalog', ports: [], ...spec }, { app: 'catalog' });
const CATALOG = object('Service', 'catalog', { selector: { app: 'catalog' }, ports: [{ port: 80 }] });
const SERVICE = { group: '', kind: 'Service', name: 'catalog' };

const authorization = workloadPolicyAncestors(authorizationKind, closedPorts);
const peers = workloadPolicyAncestors(peerAuthenticationKind, () => []);

/** `Accepted`, `Enforced`, … of each target: the status, the reason and what there is to say. */
function conditions(view: View<Key, Report | null>, policy: Resource, ...others: readonly Resource[]) {
  const index = new MeshIndex();
  const changes = [policy, ...others].map((value) => ({ key: keyOf(value), value }));
  index.apply({ cursor: '', replace: true, changes });
  return (index.read(view, keyOf(policy))?.referred ?? []).map(({ findings }) =>
    Object.fromEntries(
      findings.map(({ type, status, reason, message }) => [type, `${status} ${reason} ${message}`.trim()]),
    ),
  );
}

const WELL = { Accepted: 'True Accepted', Enforced: 'True Enforced' };

test('an AuthorizationPolicy is accepted for what is there, and for a namespace', () => {
  const policy = (spec: object) => object('AuthorizationPolicy', 'p', { action: 'ALLOW', ...spec });
  const missing = { ...SERVICE, name: 'nobody' };
  assert.deepEqual(
    conditions(authorization, policy({ targetRefs: [SERVICE, missing] }), CATALOG, workload('catalog-1')),
    [WELL, { ...WELL, Accepted: 'False TargetNotFound Service shop/nobody does not exist' }],
  );
  assert.deepEqual(conditions(authorization, policy({})), [WELL]);
});

test('one that asks raw bytes for a method is not accepted, and the status names workload, port and field', () => {
  const rules = [
    {
      to: [
        { ports: [80], methods: ['GET'] },
        { ports: [6379], methods: ['GET'] },
      ],
    },
  ];
  const ports = [
    { port: 80, proxyPort: 15080 },
    { port: 6379, proxyPort: 15379, protocol: 'tcp' },
  ];
  const why =
    'workload shop/cart-1 port 6379 carries tcp, which does not say what spec.rules[0].to[1].methods asks for: the port is closed';
  const of = (action: string) =>
    conditions(authorization, object('AuthorizationPolicy', 'p', { action, rules }), workload('cart-1', { ports }));
  assert.deepEqual(of('DENY'), [{ Accepted: `False NotEnforceable ${why}`, Enforced: `False NotEnforced ${why}` }]);
  assert.deepEqual(of('AUDIT'), [WELL], 'an audit closes nothing');
});

test('so is one for a port with nothing before it', () => {
  const deny = object('AuthorizationPolicy', 'p', { action: 'DENY', rules: [{}] });
  const bare = workload('cart-1', { ports: [{ port: 6379 }] });
  assert.match(
    conditions(authorization, deny, bare)[0]?.['Accepted'] ?? '',
    /^False NotEnforceable workload shop\/cart-1 port 6379 has nothing before it/,
  );
});

test('what a kind of proxy does not enforce is said of the policy that asks for it', () => {
  const audit = object('AuthorizationPolicy', 'p', { action: 'AUDIT', rules: [{}], targetRefs: [SERVICE] });
  const all = [
    CATALOG,
    workload('a', { proxy: 'grpc' }),
    workload('b', { proxy: 'none' }),
    workload('c', { proxy: 'envoy' }),
  ];
  assert.deepEqual(conditions(authorization, audit, ...all), [
    {
      Accepted: 'True Accepted',
      Enforced:
        'False NotEnforced workload shop/a (grpc) does not: AUDIT; workload shop/b (none) does not: nothing stands before the application',
    },
  ]);
  const strict = object('PeerAuthentication', 'p', { mtls: { mode: 'strict' } });
  assert.deepEqual(conditions(peers, strict, workload('a', { proxy: 'grpc' })), [WELL]);
  const open = object('PeerAuthentication', 'p', { mtls: { mode: 'permissive' } });
  assert.match(conditions(peers, open, workload('a', { proxy: 'grpc' }))[0]?.['Enforced'] ?? '', /shop\/a \(grpc\)/);
});

test('of a policy beside callers only those who may call are asked, and only for what it has', () => {
  const traffic = (sections: object) => object('BackendTrafficPolicy', 'p', { targetRefs: [SERVICE], ...sections });
  const callers = [
    object('Workload', 'web-1', { proxy: 'envoy', uses: ['catalog'] }),
    object('Workload', 'web-2', { proxy: 'grpc', uses: ['shop/catalog'] }),
    object('Workload', 'web-3', { proxy: 'grpc', uses: ['cart'] }),
    object('Workload', 'web-4', { uses: ['catalog'] }),
  ];
  const hedged = traffic({ hedge: { after: '1s', initialRequests: 2 }, timeouts: { request: '1s' } });
  assert.equal(
    conditions(policyAncestors, hedged, CATALOG, ...callers)[0]?.['Enforced'],
    'False NotEnforced workload shop/web-1 (envoy) does not: hedge.initialRequests; workload shop/web-2 (grpc) does not: hedge',
  );
  const plain = traffic({ timeouts: { request: '1s' } });
  assert.equal(conditions(policyAncestors, plain, CATALOG, ...callers)[0]?.['Enforced'], 'True Enforced');
});

test('a fault says when an older one decides, and that it has ended', () => {
  const fault = (name: string, more: object = {}, age = 5) =>
    object('FaultInjection', name, { targetRefs: [SERVICE], delay: { fixed: '1s' }, ...more }, {}, age);
  const until = '2026-01-01T00:00:00Z';
  const ended = object('EndedFault', 'old', { until });
  const accepted = (...all: readonly [Resource, ...Resource[]]) => conditions(faultAncestors, ...all)[0]?.['Accepted'];
  assert.equal(accepted(fault('new'), CATALOG), 'True Accepted');
  assert.equal(accepted(fault('new'), CATALOG, fault('old', {}, 1)), 'False Conflicted old is older and decides here');
  assert.equal(accepted(fault('old', { until }, 1), CATALOG, ended), `False Ended it ended at ${until}`);
  assert.equal(accepted(fault('new'), CATALOG, fault('old', { until }, 1), ended), 'True Accepted');
  assert.equal(accepted(fault('new')), 'False TargetNotFound Service shop/catalog does not exist');
});

test('a fault for raw bytes alone says that nothing of it happens', () => {
  const ports = [
    { name: 'web', port: 80, appProtocol: 'http' },
    { name: 'raw', port: 6379, appProtocol: 'tcp' },
    { name: 'any', port: 9000 },
  ];
  const both = object('Service', 'catalog', { selector: { app: 'catalog' }, ports });
  const raw = object('Service', 'catalog', { selector: { app: 'catalog' }, ports: [ports[1]] });
  const enforced = (service: Resource, sectionName?: string) => {
    const targetRefs = [sectionName === undefined ? SERVICE : { ...SERVICE, sectionName }];
    const fault = object('FaultInjection', 'f', { targetRefs, abort: { httpStatus: 503 } });
    return conditions(faultAncestors, fault, service)[0]?.['Enforced'];
  };
  const never = 'False NotEnforced Service shop/catalog carries tcp on port 6379, and a fault is for requests';
  assert.deepEqual([enforced(raw), enforced(both, 'raw'), enforced(both, '6379')], [never, never, never]);
  for (const section of [undefined, 'web', 'any', '80']) assert.equal(enforced(both, section), 'True Enforced');
});

test('an XdsPatch says which proxies are sent it, and which have nothing of it and why', () => {
  const merge = (value: object) => [{ on: 'VirtualHost', operation: 'merge', match: { service: 'catalog' }, value }];
  const patch = (spec: object) => object('XdsPatch', 'p', spec);
  const all = [CATALOG, workload('a'), workload('b', { proxy: 'envoy' }), workload('c', { proxy: 'none' })];
  const accepted = (spec: object) => conditions(patchAncestors, patch(spec), ...all)[0]?.['Accepted'];
  const header = { requestHeadersToAdd: [{ header: { key: 'x', value: 'y' } }] };
  assert.equal(
    accepted({ patches: merge({ ...header }), proxies: { kinds: ['envoy'] } }),
    'True Accepted 1 of 1 proxies are sent it, on 2 resources; weft proxy-status tells who refuses it',
  );
  const typedConfig = { '@type': 'type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua' };
  const lua = [{ on: 'HttpFilter', operation: 'add', value: { name: 'lua', typedConfig } }];
  assert.match(
    accepted({ patches: lua }) ?? '',
    /^False Invalid 1 of 2 proxies have nothing of it: shop\/a: Listener outbound\|80\|catalog\.shop: Weft’s proxy would refuse it: .*lua/,
  );
  assert.equal(
    accepted({ patches: merge({}), proxies: { matchLabels: { app: 'x' } } }),
    'True Accepted it selects no proxy',
  );
  const nowhere = [{ on: 'Cluster', operation: 'remove', match: { service: 'other' } }];
  assert.equal(accepted({ patches: nowhere }), 'True Accepted nothing that its proxies get matches');
  const weaker = [{ on: 'Cluster', operation: 'merge', value: { transportSocketMatches: [] } }];
  assert.match(
    accepted({ patches: weaker, proxies: { kinds: ['envoy'] } }) ?? '',
    /^True Accepted/,
    'nothing is changed by it',
  );
  const stronger = [{ on: 'Cluster', operation: 'merge', value: { transportSocket: { name: 'raw' } } }];
  assert.match(
    accepted({ patches: stronger }) ?? '',
    /^False Invalid 2 of 2 .*spec\.patches\[0\]: transportSocket is not for a patch to change/,
  );
});
