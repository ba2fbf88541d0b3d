/** What a proxy does with requests, as a table: what is written, what is asked, and what must be seen, of whichever proxy. */
import type { Condition } from './backends.ts';
import { countsOf, type ServiceCaller } from './caller.ts';

export interface Behaviour {
  readonly name: string;
  /** Endpoints of each service, by how they are; named `<service>-<n>`. */
  readonly services: Readonly<Record<string, readonly Condition[]>>;
  readonly resources?: readonly object[];
  readonly drive: (caller: ServiceCaller) => Promise<unknown>;
  readonly expected: unknown;
}

interface Rule {
  readonly [field: string]: unknown;
}

function route(service: string, ...rules: readonly Rule[]): object {
  const parentRefs = [{ group: '', kind: 'Service', name: service, port: 80 }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: service },
    spec: { parentRefs, rules },
  };
}

function to(...weights: readonly (readonly [service: string, weight: number])[]): object[] {
  return weights.map(([name, weight]) => ({ name, port: 80, weight }));
}

function policy(service: string, sections: object): object {
  const targetRefs = [{ group: '', kind: 'Service', name: service }];
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'BackendTrafficPolicy',
    metadata: { name: service },
    spec: { targetRefs, ...sections },
  };
}

const ONE: readonly Condition[] = ['well'];
const PATIENCE_MS = 10_000;

/** Asks until it holds: some of what a proxy knows, it learns in time. */
async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; ) if (await holds()) return true;
  return false;
}

const USERS = Array.from({ length: 24 }, (_, i) => `user-${i}`);

async function endpointsOfUsers(caller: ServiceCaller, service: string): Promise<string[]> {
  const endpoints: string[] = [];
  for (const user of [...USERS, ...USERS]) {
    endpoints.push((await caller.ask(service, { headers: { 'x-user': user } })).endpoint);
  }
  return endpoints;
}

export const BEHAVIOURS: readonly Behaviour[] = [
  {
    name: 'matches: path, method, header, and the most specific of them',
    services: { match: ONE, exact: ONE, prefix: ONE, pattern: ONE, header: ONE, method: ONE },
    resources: [
      route(
        'match',
        { matches: [{ path: { type: 'Exact', value: '/exact' } }], backendRefs: to(['exact', 1]) },
        { matches: [{ path: { type: 'PathPrefix', value: '/prefix' } }], backendRefs: to(['prefix', 1]) },
        { matches: [{ path: { type: 'RegularExpression', value: '/v[0-9]+/.*' } }], backendRefs: to(['pattern', 1]) },
        {
          matches: [{ path: { type: 'PathPrefix', value: '/prefix' }, headers: [{ name: 'x-beta', value: 'yes' }] }],
          backendRefs: to(['header', 1]),
        },
        { matches: [{ path: { type: 'Exact', value: '/find' }, method: 'DELETE' }], backendRefs: to(['method', 1]) },
      ),
    ],
    async drive(caller) {
      const asked = [
        { path: '/exact' },
        { path: '/exact/' },
        { path: '/prefix' },
        { path: '/prefix/deeper?x=1' },
        { path: '/prefixed' },
        { path: '/prefix/deeper', headers: { 'x-beta': 'yes' } },
        { path: '/prefix', headers: { 'x-beta': 'no' } },
        { path: '/v12/any' },
        { path: '/vx/any' },
        { path: '/find' },
        { path: '/find', method: 'DELETE' },
        { path: '/' },
      ];
      const answers = [];
      for (const ask of asked) answers.push(await caller.ask('match', ask));
      return answers.map(({ endpoint, status }) => endpoint || status);
    },
    expected: [
      ...['exact-1', 404, 'prefix-1', 'prefix-1', 404, 'header-1', 'prefix-1'],
      ...['pattern-1', 404, 404, 'method-1', 404],
    ],
  },
  {
    name: 'weights: shares as written, none for nought, and 500 for the share of what is not there',
    services: { split: ONE, most: ONE, few: ONE, none: ONE, gone: ONE },
    resources: [
      route('split', { backendRefs: to(['most', 80], ['few', 20], ['none', 0]) }),
      route('gone', { backendRefs: to(['nobody', 1]) }),
    ],
    async drive(caller) {
      const counts = countsOf(await caller.askTimes(300, 'split'));
      const share = (counts['most-1'] ?? 0) / 300;
      return {
        most: share > 0.7 && share < 0.9,
        who: Object.keys(counts).toSorted(),
        gone: (await caller.ask('gone')).status,
      };
    },
    expected: { most: true, who: ['few-1', 'most-1'], gone: 500 },
  },
  {
    name: 'timeouts: of the request, of a try, and none where it is nought',
    services: { slow: ONE },
    resources: [
      route(
        'slow',
        { matches: [{ path: { value: '/request' } }], timeouts: { request: '300ms' }, backendRefs: to(['slow', 1]) },
        {
          matches: [{ path: { value: '/try' } }],
          timeouts: { request: '5s', backendRequest: '200ms' },
          backendRefs: to(['slow', 1]),
        },
        { matches: [{ path: { value: '/patient' } }], timeouts: { request: '0s' }, backendRefs: to(['slow', 1]) },
      ),
      policy('slow', { retry: { attempts: 1, on: ['reset'], statuses: [] } }),
    ],
    async drive(caller) {
      const headers = { 'x-delay': '1000' };
      const request = await caller.ask('slow', { path: '/request', headers });
      const before = caller.tries('slow');
      const aTry = await caller.ask('slow', { path: '/try', headers, method: 'POST' });
      const tries = caller.tries('slow') - before;
      const patient = await caller.ask('slow', { path: '/patient', headers });
      return {
        statuses: [request.status, aTry.status, patient.status],
        inTime: [request.tookMs < 900, aTry.tookMs < 900, patient.tookMs >= 990],
        tries,
      };
    },
    expected: { statuses: [504, 504, 200], inTime: [true, true, true], tries: 1 },
  },
  {
    name: 'retries: as often as allowed, of what may be sent again, and of a connection that fails elsewhere',
    services: { flaky: ONE, torn: ['dead', 'well'], single: ONE },
    resources: [
      policy('flaky', { retry: { attempts: 2, statuses: [503], backOff: { base: '1ms', max: '5ms' } } }),
      policy('torn', { retry: { attempts: 3, on: ['connect-failure'] }, loadBalancing: { algorithm: 'RoundRobin' } }),
      policy('single', { retry: { attempts: 0 } }),
    ],
    async drive(caller) {
      const results: Record<string, unknown> = {};
      const counted = async (
        name: string,
        service: string,
        ask: Parameters<ServiceCaller['ask']>[1],
      ): Promise<void> => {
        const before = caller.tries(service);
        const { status } = await caller.ask(service, ask);
        results[name] = [status, caller.tries(service) - before];
      };
      const failing = (times: number): Record<string, string> => ({ 'x-fail': String(caller.tries('flaky') + times) });
      await counted('enough', 'flaky', { headers: failing(2) });
      await counted('too often', 'flaky', { headers: failing(9) });
      await counted('a post', 'flaky', { headers: failing(1), method: 'POST' });
      await counted('another status', 'flaky', { headers: { 'x-status': '500' } });
      await counted('none allowed', 'single', { headers: { 'x-fail': '1' } });
      results['torn'] = countsOf(await caller.askTimes(20, 'torn'));
      return results;
    },
    expected: {
      enough: [200, 3],
      'too often': [503, 3],
      'a post': [503, 1],
      'another status': [500, 1],
      'none allowed': [503, 1],
      torn: { 'torn-2': 20 },
    },
  },
  {
    name: 'balancing: round robin is even',
    services: { rounds: ['well', 'well', 'well'] },
    resources: [policy('rounds', { loadBalancing: { algorithm: 'RoundRobin' } })],
    drive: async (caller) => countsOf(await caller.askTimes(30, 'rounds')),
    expected: { 'rounds-1': 10, 'rounds-2': 10, 'rounds-3': 10 },
  },
  ...(['RingHash', 'Maglev'] as const).map((algorithm): Behaviour => {
    const service = algorithm.toLowerCase();
    return {
      name: `balancing: ${algorithm} sends a user to one endpoint, and users to several`,
      services: { [service]: ['well', 'well', 'well', 'well'] },
      resources: [policy(service, { loadBalancing: { algorithm, hashOn: [{ type: 'Header', name: 'x-user' }] } })],
      async drive(caller) {
        const endpoints = await endpointsOfUsers(caller, service);
        const [first, again] = [endpoints.slice(0, USERS.length), endpoints.slice(USERS.length)];
        return { isStable: first.every((name, i) => name === again[i]), spread: new Set(first).size > 1 };
      },
      expected: { isStable: true, spread: true },
    };
  }),
  {
    name: 'limits: what is beyond them is refused at once, and what is within is served',
    services: { narrow: ONE },
    resources: [policy('narrow', { limits: { requests: 2 }, retry: { attempts: 0 } })],
    async drive(caller) {
      const answers = await Promise.all(
        Array.from({ length: 6 }, () => caller.ask('narrow', { headers: { 'x-delay': '400' } })),
      );
      const after = await caller.ask('narrow');
      const refused = answers.filter(({ status }) => status === 503);
      return {
        statuses: answers.map(({ status }) => status).toSorted((a, b) => a - b),
        atOnce: refused.every(({ tookMs }) => tookMs < 350),
        after: after.status,
      };
    },
    expected: { statuses: [200, 200, 503, 503, 503, 503], atOnce: true, after: 200 },
  },
  {
    name: 'outliers: an endpoint that fails in a row is left alone',
    services: { outlier: ['well', 'broken'] },
    resources: [
      policy('outlier', {
        loadBalancing: { algorithm: 'RoundRobin' },
        outlierDetection: { consecutive5xx: 3, maxEjectionPercent: 50, interval: '100ms' },
        retry: { attempts: 0 },
      }),
    ],
    async drive(caller) {
      const answers = await caller.askTimes(40, 'outlier');
      const failures = answers.filter(({ status }) => status === 500).length;
      // Between the third failure and the ejection a request may already be on its way.
      return { inARow: failures >= 3 && failures <= 6, afterwards: countsOf(answers.slice(20)) };
    },
    expected: { inARow: true, afterwards: { 'outlier-1': 20 } },
  },
  {
    name: 'health checks: an endpoint that is not well gets nothing, one that is does',
    services: { checked: ['well', 'sick'] },
    resources: [
      policy('checked', {
        loadBalancing: { algorithm: 'RoundRobin' },
        healthCheck: {
          ...{ http: { path: '/healthz' }, interval: '100ms', idleInterval: '100ms', timeout: '100ms' },
          ...{ unhealthyThreshold: 1, healthyThreshold: 1 },
        },
      }),
    ],
    drive: (caller) =>
      eventually(async () => {
        const counts = countsOf(await caller.askTimes(10, 'checked'));
        return counts['checked-1'] === 10;
      }),
    expected: true,
  },
  {
    name: 'faults on purpose: for those who ask for them',
    services: { faulty: ONE, late: ONE },
    resources: [
      {
        apiVersion: 'weft.mesh/v1',
        kind: 'FaultInjection',
        metadata: { name: 'faulty' },
        spec: {
          targetRefs: [{ group: '', kind: 'Service', name: 'faulty' }],
          headers: [{ name: 'x-chaos', value: 'yes' }],
          abort: { httpStatus: 418 },
        },
      },
      {
        apiVersion: 'weft.mesh/v1',
        kind: 'FaultInjection',
        metadata: { name: 'late' },
        spec: { targetRefs: [{ group: '', kind: 'Service', name: 'late' }], delay: { fixed: '300ms' } },
      },
    ],
    async drive(caller) {
      const late = await caller.ask('late');
      const asked = await caller.ask('faulty', { headers: { 'x-chaos': 'yes' } });
      return [asked.status, (await caller.ask('faulty')).status, late.status, late.tookMs >= 295];
    },
    expected: [418, 200, 200, true],
  },
  {
    name: 'detection: a server that speaks first is heard, and HTTP is found where nobody declared it',
    services: { 'raw-greeter': ['greets'], 'raw-web': ONE },
    async drive(caller) {
      const { status, endpoint } = await caller.ask('raw-web');
      return [await caller.listen('raw-greeter'), status, endpoint];
    },
    expected: ['hello from raw-greeter-1', 200, 'raw-web-1'],
  },
  {
    name: 'the explicit proxy: by name, through CONNECT, and to names that nobody has',
    services: { proxied: ONE },
    async drive(caller) {
      const told = (text: string): string[] => [
        /^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? text,
        /"endpoint":"([^"]*)"/.exec(text)?.[1] ?? '',
      ];
      return {
        get: told(await caller.byProxy('GET', 'proxied')),
        long: told(await caller.byProxy('GET', 'proxied.default.svc.cluster.local')),
        connect: told(await caller.byProxy('CONNECT', 'proxied')),
        nobody: told(await caller.byProxy('GET', 'nobody.invalid')),
      };
    },
    expected: {
      get: ['200', 'proxied-1'],
      long: ['200', 'proxied-1'],
      connect: ['200', 'proxied-1'],
      nobody: ['503', ''],
    },
  },
  {
    name: 'fields: a trace begins or goes on, a request has an id, and nothing tells which proxy it was',
    services: { fields: ONE },
    async drive(caller) {
      const trace = '0af7651916cd43dd8448eb211c80319c';
      const traceparent = `00-${trace}-b7ad6b7169203331-01`;
      const begun = (await caller.ask('fields')).seen?.headers ?? {};
      const gone =
        (await caller.ask('fields', { headers: { traceparent, 'x-request-id': 'mine' } })).seen?.headers ?? {};
      return {
        begins: /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/.test(begun['traceparent'] ?? ''),
        goesOn: gone['traceparent']?.slice(3, 35) === trace && gone['traceparent'] !== traceparent,
        id: /^[0-9a-f-]{36}$/.test(begun['x-request-id'] ?? ''),
        givenId: gone['x-request-id'],
        host: begun['host'],
        told: Object.keys(begun).filter((name) => name.startsWith('x-envoy-')),
      };
    },
    expected: { begins: true, goesOn: true, id: true, givenId: 'mine', host: 'fields', told: [] },
  },
];
