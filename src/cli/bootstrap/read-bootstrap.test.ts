import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import { createAuthority } from '../../runtime/test/certificates.ts';
import { problemText, readBootstrap } from './read-bootstrap.ts';

const HCM = 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager';
const ROUTER = 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router';

function listener(more = '', route = 'cluster: app', filters = ''): string {
  return `
  listeners:
  - address: { socket_address: { address: 127.0.0.1, port_value: 10000 } }
    filter_chains:
    - filters:
      - name: http
        typed_config:
          "@type": ${HCM}
          stat_prefix: in
          ${more}
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: / }
                route: { ${route} }
          http_filters:
          ${filters}
          - name: router
            typed_config: { "@type": ${ROUTER} }`;
}

const CLUSTER = `
  clusters:
  - name: app
    type: STATIC
    load_assignment:
      cluster_name: app
      endpoints:
      - lb_endpoints:
        - endpoint: { address: { socket_address: { address: 127.0.0.1, port_value: 8080 } } }`;

function problems(text: string): readonly string[] {
  return readBootstrap(text, 'envoy.yaml').problems.map((problem) => problemText('envoy.yaml', problem));
}

test('static resources, admin and node are read', () => {
  const text = `
node: { id: edge-1, cluster: edge, locality: { zone: a } }
admin: { address: { socket_address: { address: 127.0.0.1, port_value: 9901 } } }
static_resources:${listener()}${CLUSTER}`;
  const { bootstrap, problems: none } = readBootstrap(text, 'envoy.yaml');
  assert.deepEqual(none, []);
  assert.deepEqual(bootstrap?.admin, { host: '127.0.0.1', port: 9901 });
  assert.deepEqual(bootstrap.node, { id: 'edge-1', cluster: 'edge', metadata: {} });
  assert.equal(bootstrap.locality?.zone, 'a');
  assert.deepEqual(
    bootstrap.statics.map(({ name }) => name),
    ['app', 'static-0'],
  );
});

test('JSON is read as well, in camelCase too', () => {
  const json = JSON.stringify({
    staticResources: { clusters: [{ name: 'a', type: 'STATIC', loadAssignment: { clusterName: 'a' } }] },
  });
  assert.deepEqual(problems(json), []);
});

test('each unsupported field is refused with its line, all at once', () => {
  const found = problems(`
hot_restart_id: 7
static_resources:${listener('codec_type: HTTP3\n          strip_trailing_host_dot: true')}${CLUSTER}
    wait_for_warm_on_init: false
    preconnect_policy: {}`);
  const lines = found.map((line) => line.replace(/^envoy.yaml:(\d+):.*(no field|is expected).*$/, '$1 $2'));
  assert.ok(found.length >= 3, found.join('\n'));
  assert.ok(
    lines.some((line) => line.startsWith('2 no field')),
    found.join('\n'),
  );
  assert.ok(
    found.some((line) => /^envoy.yaml:13:.*strip_trailing_host_dot/.test(line)),
    found.join('\n'),
  );
});

test('what a reader refuses stands at the field that it means', () => {
  const found = problems(`static_resources:${listener('server_name: x')}${CLUSTER}`);
  assert.equal(found.length, 1);
  assert.match(found[0] ?? '', /^envoy.yaml:10:11: .*server_name/);
});

test('a filter that is required and unknown is refused, an optional one is not', () => {
  const unknown = (optional: boolean): string => `- name: x
            is_optional: ${optional}
            typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer, x: 1 }`;
  const [refused] = problems(`static_resources:${listener('', undefined, unknown(false))}${CLUSTER}`);
  assert.match(refused ?? '', /^envoy.yaml:21:\d+: nothing in this proxy reads .*Buffer$/);
  assert.deepEqual(problems(`static_resources:${listener('', undefined, unknown(true))}${CLUSTER}`), []);
});

test('a server of xDS must be a static cluster', () => {
  const found = problems(`
dynamic_resources:
  ads_config:
    api_type: GRPC
    transport_api_version: V3
    grpc_services: [{ envoy_grpc: { cluster_name: nowhere } }]
  lds_config: { ads: {} }`);
  assert.deepEqual(found, ['envoy.yaml:2:1: the cluster nowhere is none of static_resources.clusters']);
});

test('servers and their protocols are read', () => {
  const { bootstrap, problems: none } = readBootstrap(
    `
dynamic_resources:
  ads_config:
    api_type: DELTA_GRPC
    transport_api_version: V3
    grpc_services: [{ envoy_grpc: { cluster_name: app } }]
  lds_config: { resource_api_version: V3, ads: {} }
  cds_config:
    resource_api_version: V3
    api_config_source:
      api_type: GRPC
      transport_api_version: V3
      grpc_services: [{ envoy_grpc: { cluster_name: app } }]
static_resources:${CLUSTER}`,
    'envoy.yaml',
  );
  assert.deepEqual(none, []);
  assert.deepEqual(bootstrap?.sources, {
    ads: { protocol: 'delta', cluster: 'app' },
    listeners: { kind: 'ads' },
    clusters: { kind: 'service', protocol: 'sotw', cluster: 'app', refreshMs: 0 },
  });
});

test('files of keys and roots are read with the bootstrap, and one that is missing has its line', async () => {
  const { certificateChainPem, privateKeyPem, trustBundlePem } = await (await createAuthority('test')).issue({});
  const directory = mkdtempSync(join(tmpdir(), 'weft-bootstrap-'));
  const file = (name: string, text: string): string => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const tls = (roots: string): string => `
    transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: app.example
        common_tls_context:
          tls_certificates:
          - certificate_chain: { filename: ${file('cert.pem', certificateChainPem)} }
            private_key: { filename: ${file('key.pem', privateKeyPem)} }
          validation_context:
            trusted_ca: { filename: ${roots} }`;
  assert.deepEqual(problems(`static_resources:${CLUSTER}${tls(file('roots.pem', trustBundlePem))}`), []);
  const [missing] = problems(`static_resources:${CLUSTER}${tls('/nothing/here.pem')}`);
  assert.match(missing ?? '', /^envoy.yaml:20:\d+: .*no such file/);
});

test('TLS towards a server that nothing would verify is refused', () => {
  const found = problems(`static_resources:${CLUSTER}
    transport_socket:
      name: tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        common_tls_context: {}`);
  assert.match(found.join(), /nothing would verify the peer/);
});

test('text that is no YAML says where', () => {
  assert.throws(
    () => readBootstrap('a: [', 'envoy.yaml'),
    (error) => isWeftError(error, 'invalid') && /^envoy.yaml:1:/.test(error.where),
  );
});
