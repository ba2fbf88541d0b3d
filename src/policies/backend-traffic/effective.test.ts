import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { conflictsOf } from './conflicts.ts';
import { effectiveForBackend, effectiveForRequest } from './effective.ts';
import type { RuleTarget } from '../request-target.ts';
import { BACKEND_SECTIONS, type BackendTrafficPolicy, type BackendTrafficSpec, REQUEST_SECTIONS } from './kind.ts';

type Ref = BackendTrafficSpec['targetRefs'][number];

const PORT = { namespace: 'shop', service: 'orders', port: 80, portName: 'http' };
const RULE: RuleTarget = { namespace: 'shop', route: 'orders', rule: 'search' };

const service = (name = 'orders', sectionName?: string): Ref => ({
  group: '',
  kind: 'Service',
  name,
  ...(sectionName === undefined ? {} : { sectionName }),
});
const route = (sectionName?: string): Ref => ({
  group: 'gateway.networking.k8s.io',
  kind: 'HTTPRoute',
  name: 'orders',
  ...(sectionName === undefined ? {} : { sectionName }),
});

function policy(
  name: string,
  targetRefs: readonly Ref[],
  sections: Partial<BackendTrafficSpec>,
  creationTimestamp = '2026-01-01T00:00:00Z',
  namespace = 'shop',
): BackendTrafficPolicy {
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'BackendTrafficPolicy',
    metadata: { name, namespace, creationTimestamp },
    spec: { targetRefs, ...sections },
  };
}

const tries = (attempts: number): Partial<BackendTrafficSpec> => ({ retry: { attempts } });
const deciderOfRetry = (policies: readonly BackendTrafficPolicy[], rule: RuleTarget | null = RULE) =>
  effectiveForRequest(policies, PORT, rule).origins.retry?.name ?? 'nobody';

const byService = policy('by-service', [service()], {
  ...tries(1),
  timeouts: { request: '1s' },
  limits: { requests: 5 },
});
const byNumber = policy('by-number', [service('orders', '80')], { ...tries(2), limits: { requests: 6 } });
const byPort = policy('by-port', [service('orders', 'http')], tries(2), '2026-02-01T00:00:00Z');
const byRoute = policy('by-route', [route()], tries(3));
const byRule = policy('by-rule', [route('search')], { hedge: { after: '1s' } });

describe('the most specific policy that writes a section decides it', () => {
  const cases: [string, BackendTrafficPolicy[], string][] = [
    ['nobody', [], 'nobody'],
    ['the Service', [byService], 'by-service'],
    ['its port by name, before it', [byPort, byService], 'by-port'],
    ['its port by number, before it', [byService, byNumber], 'by-number'],
    ['name and number are one target: the older', [byPort, byNumber], 'by-number'],
    ['the route, before the port', [byNumber, byRoute], 'by-route'],
    ['a rule that does not write the section leaves it to the route', [byRule, byRoute, byService], 'by-route'],
    ['another port is nobody’s', [policy('other', [service('orders', 'grpc')], tries(1))], 'nobody'],
    ['another Service too', [policy('other', [service('stock')], tries(1))], 'nobody'],
    ['another rule too', [policy('other', [route('rest')], tries(1))], 'nobody'],
    ['another namespace too', [policy('far', [service()], tries(1), '2020-01-01T00:00:00Z', 'bank')], 'nobody'],
    ['the older of two', [byService, policy('zz', [service()], tries(9), '2025-01-01T00:00:00Z')], 'zz'],
    ['the first name of two of one age', [byService, policy('aa', [service()], tries(9))], 'aa'],
    ['by the most specific of its own targets', [byNumber, policy('zz', [service(), route()], tries(9))], 'zz'],
  ];
  for (const [name, policies, expected] of cases) test(name, () => assert.equal(deciderOfRetry(policies), expected));

  test('without an HTTPRoute, policies for one are nothing', () => {
    assert.equal(deciderOfRetry([byRoute, byService], null), 'by-service');
  });

  test('a section comes whole: nothing of a wider policy is left in it', () => {
    const wide = policy('wide', [service()], { retry: { attempts: 7, statuses: [500] } });
    assert.deepEqual(effectiveForRequest([wide, byRoute], PORT, RULE).sections, { retry: { attempts: 3 } });
  });

  test('endpoints take sections of Services only, requests only theirs', () => {
    const all = [byService, byNumber, byRoute, byRule];
    assert.deepEqual(effectiveForBackend(all, PORT).sections, { limits: { requests: 6 } });
    assert.deepEqual(effectiveForRequest(all, PORT, RULE).sections, {
      timeouts: { request: '1s' },
      retry: { attempts: 3 },
      hedge: { after: '1s' },
    });
  });
});

const refs = fc.constantFrom(
  service(),
  service('orders', 'http'),
  service('orders', '80'),
  service('stock'),
  route(),
  route('search'),
  route('rest'),
);
const written = fc.record(
  {
    retry: fc.record({ attempts: fc.nat(9) }),
    timeouts: fc.record({ request: fc.constantFrom('1s', '2s') }),
    limits: fc.record({ requests: fc.integer({ min: 1, max: 9 }) }),
    connection: fc.record({ maxRequests: fc.nat(9) }),
  },
  { requiredKeys: [] },
);
const anyPolicies = fc.uniqueArray(
  fc
    .tuple(
      fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
      fc.uniqueArray(refs, { minLength: 1, maxLength: 3 }),
      written,
      fc.constantFrom('2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'),
    )
    .map(([name, targets, sections, age]) => policy(name, targets, sections, age)),
  { selector: ({ metadata }) => metadata.name, maxLength: 6 },
);
const inTwoOrders = anyPolicies.chain((policies) =>
  fc.tuple(fc.constant(policies), fc.shuffledSubarray(policies, { minLength: policies.length })),
);

describe('for all sets of policies', () => {
  test('the order in which they arrive decides nothing', () => {
    fc.assert(
      fc.property(inTwoOrders, ([policies, shuffled]) => {
        assert.deepEqual(effectiveForRequest(shuffled, PORT, RULE), effectiveForRequest(policies, PORT, RULE));
        assert.deepEqual(effectiveForBackend(shuffled, PORT), effectiveForBackend(policies, PORT));
      }),
    );
  });

  test('what holds is what one of them wrote, and every section that one wrote for the target holds somehow', () => {
    fc.assert(
      fc.property(anyPolicies, (policies) => {
        const backend = effectiveForBackend(policies, PORT);
        const request = effectiveForRequest(policies, PORT, RULE);
        for (const [effective, names] of [
          [backend, BACKEND_SECTIONS],
          [request, REQUEST_SECTIONS],
        ] as const) {
          for (const name of names) {
            const origin = effective.origins[name];
            const author = policies.find(({ metadata }) => metadata.name === origin?.name);
            assert.equal(effective.sections[name], author?.spec?.[name]);
          }
        }
      }),
    );
  });

  test('adding a policy changes no section that it does not write', () => {
    fc.assert(
      fc.property(anyPolicies, written, (policies, sections) => {
        const more = [...policies, policy('newcomer', [route('search')], sections)];
        const [before, after] = [policies, more].map((each) => effectiveForRequest(each, PORT, RULE).sections);
        for (const name of REQUEST_SECTIONS) {
          if (sections[name as 'retry'] === undefined) assert.equal(after?.[name], before?.[name]);
        }
      }),
    );
  });

  test('of two policies of one target, exactly one has a section in conflict', () => {
    const same = (a: Ref, b: Ref) => JSON.stringify(a) === JSON.stringify(b);
    fc.assert(
      fc.property(anyPolicies, (policies) => {
        const target = service();
        const writers = policies.filter(
          ({ spec }) => spec?.limits !== undefined && spec.targetRefs.some((ref) => same(ref, target)),
        );
        const losers = writers.filter((each) =>
          conflictsOf(each, target, policies, same).some(({ section }) => section === 'limits'),
        );
        assert.equal(losers.length, Math.max(0, writers.length - 1));
      }),
    );
  });
});
