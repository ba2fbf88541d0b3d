import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KindRegistry } from '../registry.ts';
import type { Resource } from '../resource.ts';
import { readResource, validateUpdate } from '../validate.ts';
import { resourceKinds } from './all.ts';
import { meshKind } from './mesh.ts';
import { type Service, serviceKind } from './service.ts';

const kinds = new KindRegistry(resourceKinds);

function problems(apiVersion: string, kind: string, spec: unknown, metadata: object = { name: 'x' }): string[] {
  const { violations } = readResource(kinds, { apiVersion, kind, metadata, spec }, 'default');
  return violations.map(({ path, message }) => `${path}: ${message}`);
}

const GATEWAY = 'gateway.networking.k8s.io/v1';
const parentRefs = [{ group: '', kind: 'Service', name: 'catalog' }];
const backendRefs = [{ name: 'catalog-v1', port: 80 }];
const http = (rule: object) => problems(GATEWAY, 'HTTPRoute', { parentRefs, rules: [rule] });
const path = (value: string, type = 'PathPrefix') => http({ matches: [{ path: { type, value } }], backendRefs });

describe('Service', () => {
  test('keeps the fields of Kubernetes that Weft does not read, and those it has never heard of', () => {
    const spec = {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      fieldOfTheFuture: { a: [1] },
      ports: [
        { name: 'web', port: 80, targetPort: 'http', nodePort: 30080, appProtocol: 'kubernetes.io/h2c', alsoNew: 1 },
      ],
    };
    const { resource } = readResource(
      kinds,
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x' }, spec },
      'shop',
    );
    assert.deepEqual(resource, { apiVersion: 'v1', kind: 'Service', metadata: { name: 'x', namespace: 'shop' }, spec });
  });

  test('names its ports when there are several, and repeats neither name nor number', () => {
    assert.deepEqual(
      problems('v1', 'Service', { ports: [{ port: 80 }, { port: 80, name: 'a' }, { port: 81, name: 'a' }] }),
      [
        'spec.ports[0].name: is required when a Service has more than one port',
        'spec.ports[1].port: repeats the port of ports[0]',
        'spec.ports[2].name: repeats the name of ports[1]',
      ],
    );
    assert.deepEqual(
      problems('v1', 'Service', {
        ports: [
          { port: 53, name: 't' },
          { port: 53, name: 'u', protocol: 'UDP' },
        ],
      }),
      [],
    );
  });

  test('needs a port unless it is headless or an external name', () => {
    assert.deepEqual(problems('v1', 'Service', {}), ['spec.ports: must have at least one port']);
    assert.deepEqual(problems('v1', 'Service', { clusterIP: 'None' }), []);
    assert.deepEqual(problems('v1', 'Service', { type: 'ExternalName', externalName: 'a.example' }), []);
  });

  test('has a name that is a DNS label and begins with a letter', () => {
    for (const name of ['Catalog', '2fast', 'a.b', '-a', 'a-', 'a'.repeat(64), '']) {
      assert.match(
        problems('v1', 'Service', { ports: [{ port: 1 }] }, { name })[0] ?? '',
        /^metadata.name: must be lower-case/,
        name,
      );
    }
  });

  test('shows its ports in a table', () => {
    const resource = { spec: { ports: [{ port: 80, targetPort: 8080, appProtocol: 'http' }, { port: 6379 }] } };
    assert.equal(serviceKind.columns[0]?.value(resource as unknown as Service), '80→8080/http, 6379');
  });
});

describe('HTTPRoute', () => {
  test('accepts every feature of this version', () => {
    const rule = {
      name: 'canary',
      matches: [
        {
          path: { type: 'RegularExpression', value: '/items/[0-9]+' },
          method: 'GET',
          headers: [
            { name: 'X-Beta', value: 'yes' },
            { type: 'RegularExpression', name: 'user-agent', value: '.*curl.*' },
          ],
        },
      ],
      backendRefs: [
        { group: '', kind: 'Service', name: 'catalog-v1', port: 80, weight: 90 },
        { name: 'v2', namespace: 'lab', port: 80, weight: 0 },
      ],
      timeouts: { request: '1m30s', backendRequest: '500ms' },
    };
    assert.deepEqual(http(rule), []);
    const ports = [
      { ...parentRefs[0], port: 80 },
      { ...parentRefs[0], namespace: 'shop', sectionName: 'web' },
    ];
    assert.deepEqual(problems(GATEWAY, 'HTTPRoute', { parentRefs: ports, rules: [{}] }), []);
  });

  test('names the fields of the standard that it does not implement', () => {
    const rule = {
      filters: [],
      retry: {},
      sessionPersistence: {},
      matches: [{ queryParams: [] }],
      backendRefs: [{ ...backendRefs[0], filters: [] }],
    };
    const unsupported = http(rule).map((text) => text.replace(': is not supported in this version of Weft', ''));
    assert.deepEqual(unsupported.sort(), [
      'spec.rules[0].backendRefs[0].filters',
      'spec.rules[0].filters',
      'spec.rules[0].matches[0].queryParams',
      'spec.rules[0].retry',
      'spec.rules[0].sessionPersistence',
    ]);
  });

  test('has Services as parents and backends only', () => {
    const parents = (ref: object) => problems(GATEWAY, 'HTTPRoute', { parentRefs: [ref], rules: [{}] });
    assert.match(parents({ name: 'gw' })[0] ?? '', /parentRefs\[0\].kind: must be "Service"/);
    assert.match(parents({ kind: 'Service', name: 'a' })[0] ?? '', /parentRefs\[0\].group: must be "" for a Service/);
    assert.match(
      http({ backendRefs: [{ group: 'x', kind: 'Y', name: 'a', port: 1 }] }).join(),
      /group: must be "".*kind: must be "Service"/,
    );
  });

  test('has paths that can match', () => {
    for (const value of ['x', '/a//b', '/a/../b', '/a/./b', '/a/..', '/a%2Fb', '/a#b', ''])
      assert.equal(path(value).length, 1, value);
    for (const value of ['/', '/a', '/a/', '/a..b', '/...']) assert.deepEqual(path(value), [], value);
  });

  test('has regular expressions that RE2 reads too', () => {
    const refused = [
      '(',
      '(?=a)',
      '(?<!a)b',
      '(a)\\1',
      '[',
      'a{1001}',
      'a{2,5000}',
      '\\p{L}',
      '\\bx',
      '(?s)a',
      '(?<n>a)\\k<n>',
    ];
    for (const value of refused) assert.equal(path(value, 'RegularExpression').length, 1, value);
    for (const value of [
      '/a|/b',
      '/x/\\\\1',
      '(?:a)+',
      '/v[0-9]+/.*',
      '(?i)/abc',
      '(?P<n>a)',
      '/\\d{3}',
      '[[:alpha:]]',
    ])
      assert.deepEqual(path(value, 'RegularExpression'), [], value);
  });

  test('allows an attempt any time when the request has no limit', () => {
    assert.deepEqual(http({ timeouts: { request: '0s', backendRequest: '2s' }, backendRefs }), []);
    assert.equal(http({ timeouts: { request: '1.5s' }, backendRefs }).length, 1);
  });
});

describe('TCPRoute', () => {
  test('has exactly one rule, and is stored as v1 whatever version it was written in', () => {
    const value = {
      apiVersion: 'gateway.networking.k8s.io/v1alpha2',
      kind: 'TCPRoute',
      metadata: { name: 'x' },
      spec: { parentRefs, rules: [{ backendRefs }] },
    };
    assert.equal(readResource(kinds, value, 'default').resource?.apiVersion, GATEWAY);
    assert.match(
      problems(GATEWAY, 'TCPRoute', { parentRefs, rules: [{ backendRefs }, { backendRefs }] })[0] ?? '',
      /exactly one rule/,
    );
  });
});

describe('Mesh and Workload', () => {
  test('a mesh is named default, has no namespace, and lets certificates live at least a minute', () => {
    const mesh = (spec: object, metadata: object = { name: 'default' }) =>
      problems('weft.mesh/v1', 'Mesh', spec, metadata);
    assert.deepEqual(mesh({ trustDomain: 'weft.local', mtls: { mode: 'permissive' }, svidTtl: '1m' }), []);
    assert.match(mesh({}, { name: 'other' })[0] ?? '', /must be "default"/);
    assert.match(mesh({}, { name: 'default', namespace: 'a' })[0] ?? '', /metadata.namespace: must not be set/);
    assert.match(mesh({ svidTtl: '59s' })[0] ?? '', /at least 1m/);
    assert.match(mesh({ trustDomain: 'Weft' })[0] ?? '', /trust domain/);
  });

  test('the trust domain is immutable once it is set', () => {
    const mesh = (trustDomain?: string): Resource => ({
      apiVersion: 'weft.mesh/v1',
      kind: 'Mesh',
      metadata: { name: 'default' },
      spec: { trustDomain },
    });
    assert.equal(validateUpdate(meshKind, mesh('a'), mesh('b'))[0]?.path, 'spec.trustDomain');
    assert.equal(validateUpdate(meshKind, mesh('a'), mesh()).length, 1);
    assert.deepEqual(validateUpdate(meshKind, mesh('a'), mesh('a')), []);
    assert.deepEqual(validateUpdate(meshKind, mesh(), mesh('b')), []);
  });

  test('a workload says where it is reached and what it serves', () => {
    const spec = {
      service: 'catalog',
      account: 'catalog',
      version: 'v1',
      address: '127.0.0.1',
      ports: [{ name: 'http', port: 8080, proxyPort: 15000, protocol: '' }],
      proxy: 'weft',
      capture: {
        httpProxyPort: 20001,
        vips: [{ service: 'stock', namespace: 'shop', port: 80, address: '127.3.4.1', vipPort: 20080 }],
      },
      uses: ['stock', 'shop/cart'],
      adminPort: 15900,
      locality: { region: 'eu', zone: 'a' },
    };
    assert.deepEqual(problems('weft.mesh/v1', 'Workload', spec), []);
    assert.deepEqual(
      problems('weft.mesh/v1', 'Workload', {
        ...spec,
        address: 'localhost',
        ports: [{ port: 1 }, { port: 1 }],
        proxy: 'nginx',
      }),
      [
        'spec.address: must be an IPv4 or IPv6 address',
        'spec.proxy: must be one of "weft", "envoy", "grpc", "none", is "nginx"',
      ],
    );
    assert.deepEqual(problems('weft.mesh/v1', 'Workload', { ...spec, ports: [{ port: 1 }, { port: 1 }] }), [
      'spec.ports[1].port: repeats the port of ports[0]',
    ]);
  });
});
