/** What the schema takes and refuses, and that every field says what it means, its unit and its default. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { kindSchema } from '../../api/openapi.ts';
import { readResource } from '../../api/validate.ts';
import { meshKinds } from '../kinds.ts';
import { backendTrafficKind } from './policy.ts';
import { isPrime } from './sections/prime.ts';

const SERVICE = { group: '', kind: 'Service', name: 'orders' };
const ROUTE = { group: 'gateway.networking.k8s.io', kind: 'HTTPRoute', name: 'orders' };

function problems(sections: object, targetRefs: readonly object[] = [SERVICE]): string[] {
  const value = {
    apiVersion: 'weft.mesh/v1',
    kind: 'BackendTrafficPolicy',
    metadata: { name: 'x' },
    spec: { targetRefs, ...sections },
  };
  const { violations } = readResource(meshKinds, value, 'default');
  return violations.map(({ path, message, hint }) => `${path}: ${message}${hint === '' ? '' : ` | ${hint}`}`);
}

describe('the schema of BackendTrafficPolicy', () => {
  const refused: [string, object, RegExp, (readonly object[])?][] = [
    ['no section', {}, /^spec: must have a section besides targetRefs \| One of loadBalancing, /],
    ['a wrong group', { retry: {} }, /targetRefs\[0\].group: must be ""/, [{ ...SERVICE, group: 'apps' }]],
    ['a target twice', { retry: {} }, /targetRefs\[1\]: repeats targetRefs\[0\]/, [SERVICE, SERVICE]],
    [
      'endpoints of a route',
      { limits: { requests: 1 } },
      /^spec.limits: is about the endpoints of a Service, and targetRefs\[1\] is an HTTPRoute \| Write it in a policy/,
      [SERVICE, ROUTE],
    ],
    ['a name that is wrong', { retrys: {} }, /^spec.retrys: is not a field here \| Did you mean "retry"\?/],
    [
      'hash without a source',
      { loadBalancing: { algorithm: 'RingHash' } },
      /hashOn: is required for RingHash \| For example/,
    ],
    [
      'a source without a hash',
      { loadBalancing: { algorithm: 'Random', hashOn: [{ type: 'SourceAddress' }] } },
      /hashOn: is for RingHash and Maglev, and this is Random/,
    ],
    [
      'the settings of another algorithm',
      { loadBalancing: { algorithm: 'Random', leastRequest: { choices: 3 } } },
      /leastRequest: is for algorithm LeastRequest, and this is Random/,
    ],
    [
      'slow start by hash',
      { loadBalancing: { algorithm: 'Maglev', hashOn: [{ type: 'SourceAddress' }], slowStart: { window: '1m' } } },
      /slowStart: has no effect with Maglev/,
    ],
    [
      'a table that is not prime',
      { loadBalancing: { algorithm: 'Maglev', maglev: { tableSize: 65536 }, hashOn: [{ type: 'SourceAddress' }] } },
      /tableSize: must be a prime number \| For example 65537/,
    ],
    [
      'a table that takes too long to build',
      { loadBalancing: { algorithm: 'Maglev', maglev: { tableSize: 1_000_033 }, hashOn: [{ type: 'SourceAddress' }] } },
      /tableSize: must be at most 1000003/,
    ],
    [
      'a ring that takes too long to build',
      {
        loadBalancing: {
          algorithm: 'RingHash',
          ringHash: { minimumSize: 300_000 },
          hashOn: [{ type: 'SourceAddress' }],
        },
      },
      /minimumSize: must be at most 262144/,
    ],
    [
      'a ring that ends before it begins',
      { loadBalancing: { algorithm: 'RingHash', ringHash: { maximumSize: 10 }, hashOn: [{ type: 'SourceAddress' }] } },
      /maximumSize: must be at least minimumSize, 1024/,
    ],
    [
      'a header without a name',
      { loadBalancing: { algorithm: 'Maglev', hashOn: [{ type: 'Header' }] } },
      /hashOn\[0\].name: is required for Header/,
    ],
    [
      'a cookie for a header',
      { loadBalancing: { algorithm: 'Maglev', hashOn: [{ type: 'Header', name: 'a', ttl: '1s' }] } },
      /hashOn\[0\].ttl: is for type Cookie only/,
    ],
    [
      'weights without their mode',
      { locality: { weights: [{ zone: 'a', weight: 1 }] } },
      /weights: is for mode Weighted, and this is Any/,
    ],
    ['a panic above all', { locality: { panicThresholdPercent: 101 } }, /panicThresholdPercent: must be at most 100/],
    [
      'an ejection that shrinks',
      { outlierDetection: { baseEjectionTime: '10m' } },
      /maxEjectionTime: must be at least baseEjectionTime, 10m/,
    ],
    ['no detector', { outlierDetection: { consecutive5xx: 0 } }, /consecutive5xx: leaves no detector on/],
    [
      'local failures that are not apart',
      { outlierDetection: { consecutiveLocalOriginFailures: 3 } },
      /needs splitLocalOrigin: true/,
    ],
    [
      'no check',
      { healthCheck: { interval: '5s' } },
      /healthCheck: must have exactly one of http, grpc and tcp, has none/,
    ],
    ['two checks', { healthCheck: { http: { path: '/' }, grpc: {} } }, /has http and grpc/],
    [
      'a check that outlasts its interval',
      { healthCheck: { grpc: {}, interval: '500ms' } },
      /timeout: must be at most interval, 500ms/,
    ],
    [
      'two bounds of retries',
      { limits: { retries: 3, retryBudget: {} } },
      /retries: must not stand beside retryBudget/,
    ],
    ['no requests at all', { limits: { requests: 0 } }, /requests: must be at least 1/],
    ['a window below the protocol’s', { connection: { http2: { streamWindowBytes: 1000 } } }, /must be at least 65535/],
    [
      'a stream wider than its connection',
      { connection: { http2: { streamWindowBytes: 20_000_000 } } },
      /connectionWindowBytes: must be at least streamWindowBytes/,
    ],
    ['a time without a unit', { timeouts: { request: '5' } }, /request: must be a duration such as/],
    ['a time beyond a day', { timeouts: { request: '25h' } }, /request: must be from 0s to 24h/],
    [
      'a try longer than its request',
      { timeouts: { request: '1s', perTry: '2s' } },
      /perTry: must be at most request, 1s/,
    ],
    [
      'a condition that is none',
      { retry: { on: ['unavailible'] } },
      /on\[0\]: must be one of .* Did you mean "unavailable"/,
    ],
    ['retries of nothing', { retry: { on: [], statuses: [] } }, /on: is empty, and so is statuses/],
    ['a back-off that shrinks', { retry: { backOff: { base: '1s', max: '10ms' } } }, /max: must be at least base, 1s/],
    [
      'two times for a try',
      { hedge: { after: '1s' }, timeouts: { perTry: '1s' } },
      /perTry: must not stand beside hedge.after/,
    ],
    [
      'a hedge without tries',
      { hedge: { after: '1s' }, retry: { attempts: 0 } },
      /attempts: must be more than 0 beside hedge/,
    ],
  ];
  for (const [name, sections, expected, targets] of refused) {
    test(`refuses ${name}`, () => {
      const found = problems(sections, targets);
      assert.equal(found.length, 1, found.join('\n'));
      assert.match(found[0] ?? '', expected);
    });
  }

  test('takes requests’ sections for a route', () => {
    assert.deepEqual(problems({ retry: { attempts: 0 }, timeouts: { request: '0s' } }, [SERVICE, ROUTE]), []);
  });
});

test('every field says what it is, and its default unless it is required', () => {
  const missing: string[] = [];
  const { properties } = kindSchema(backendTrafficKind) as { properties: { spec: Schema } };
  walk('spec', properties.spec, (path, schema, required) => {
    const { description = '' } = schema;
    const leaf = schema.properties === undefined;
    if (description === '' && !path.endsWith('[]')) missing.push(`${path} says nothing`);
    else if (leaf && !required && !path.endsWith('[]') && !description.includes('Unset')) {
      missing.push(`${path} does not say what unset means`);
    }
  });
  assert.deepEqual(missing, []);
});

test('prime numbers are told from others', () => {
  const few = Array.from({ length: 30 }, (_, i) => i).filter(isPrime);
  assert.deepEqual(few, [2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
  assert.ok(isPrime(5_000_011) && isPrime(65_537) && !isPrime(65_537 * 3));
});

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

function walk(path: string, schema: Schema, visit: (path: string, schema: Schema, required: boolean) => void): void {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    visit(`${path}.${name}`, child, schema.required?.includes(name) === true);
    walk(`${path}.${name}`, child, visit);
  }
  if (schema.items !== undefined) walk(`${path}[]`, schema.items, visit);
}
