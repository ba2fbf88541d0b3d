/**
 * One table of policies, callers and requests, asked of the real Envoy: it decides as the policies read in plain words, and so
 * as Weft's proxy, which `policies/authorization/compile/rules.test.ts` holds against the same reading.
 */
import assert from 'node:assert/strict';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { after, before, describe, test } from 'node:test';
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import fc from 'fast-check';
import type { AuthorizationPolicy } from '../../src/policies/authorization/kind.ts';
import {
  CALLERS,
  callers,
  idOf,
  policies,
  policyOf,
  PORT,
  requests,
  TRUST_DOMAIN,
} from '../../src/policies/authorization/test/arbitrary.ts';
import { compiled } from '../../src/policies/authorization/test/compiled.ts';
import { naiveAllows, type NaiveCaller, type NaiveRequest } from '../../src/policies/authorization/test/naive.ts';
import { FilterSchema } from '../../src/protos/gen/envoy/config/listener/v3/listener_components_pb.ts';
import { HttpFilterSchema } from '../../src/protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { envoyTypes } from '../../src/protos/registry.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { missing } from '../support/components.ts';
import { issueSvid, testAuthority } from '../support/real-svids.ts';
import { type RunningEnvoy, startEnvoy } from './running.ts';

const SEED = 20_261_121;
const SETS = fc.sample(policies, { numRuns: 40, seed: SEED }).filter((all) => all.length > 0);
const ASKED = fc.sample(fc.tuple(callers, requests), { numRuns: 24, seed: SEED });

/** Paths that an application may read in several ways. */
const CLOSED = [policyOf('closed', { action: 'DENY', rules: [{ to: [{ paths: [{ value: '/admin' }] }] }] })];

const TYPE = 'type.googleapis.com/envoy.';

describe('Envoy enforces AuthorizationPolicies', { skip: missing('envoy') }, () => {
  let envoy: RunningEnvoy;
  let echo: net.Server;
  const identities = new Map<string, { cert: string; key: string }>();
  const agents = new Map<string, https.Agent | http.Agent>();

  before(async () => {
    const authority = await testAuthority(createNodeRuntime(), TRUST_DOMAIN);
    for (const caller of [...CALLERS, 'shop/catalog']) {
      if (caller === null) continue;
      const svid = await issueSvid(authority, idOf(caller));
      identities.set(idOf(caller), { cert: svid.certificateChainPem, key: svid.privateKeyPem });
    }
    echo = net.createServer((socket) => socket.on('error', () => {}).pipe(socket));
    await new Promise<void>((resolve) => echo.listen(0, '127.0.0.1', resolve));
    const { port } = echo.address() as net.AddressInfo;
    const transport = downstreamTls(identities.get(idOf('shop/catalog')), authority.trustBundlePem);
    const listeners = [
      ...SETS.map((all, i) => listener(`http-${i}`, transport, httpChain(all))),
      ...SETS.map((all, i) => listener(`tcp-${i}`, transport, tcpChain(all))),
      listener('closed', transport, httpChain(CLOSED)),
    ];
    envoy = await startEnvoy({
      node: { id: 'authorization', cluster: 'authorization' },
      static_resources: { listeners, clusters: [appCluster(port)] },
    });
  });

  after(async () => {
    for (const agent of agents.values()) agent.destroy();
    await envoy?.stop();
    echo?.close();
  });

  function agentOf(caller: NaiveCaller, listenerName: string): https.Agent | http.Agent {
    const key = `${listenerName} ${caller.id} ${caller.ip}`;
    let agent = agents.get(key);
    if (agent === undefined) {
      const own = { keepAlive: true, maxSockets: 1, localAddress: caller.ip };
      agent = caller.id === null ? new http.Agent(own) : new https.Agent({ ...own, ...secrets(caller.id) });
      agents.set(key, agent);
    }
    return agent;
  }

  function secrets(id: string): tls.ConnectionOptions {
    return { ...identities.get(id), rejectUnauthorized: false, servername: 'catalog.shop' };
  }

  function ask(name: string, caller: NaiveCaller, { method, path, headers }: NaiveRequest) {
    const port = envoy.ports.get(name);
    const options = { host: '127.0.0.1', port, method, path, headers: Object.fromEntries(headers) };
    const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
    const client = caller.id === null ? http : https;
    const request = client.request({ ...options, agent: agentOf(caller, name), timeout: 10_000 }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request
      .on('error', reject)
      .on('timeout', () => request.destroy(new Error('no answer')))
      .end();
    return promise;
  }

  /** Whether what is said comes back. */
  function admits(name: string, caller: NaiveCaller): Promise<boolean> {
    const to = { host: '127.0.0.1', port: envoy.ports.get(name) ?? 0, localAddress: caller.ip };
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const socket = caller.id === null ? net.connect(to) : tls.connect({ ...to, ...secrets(caller.id) });
    socket.setTimeout(10_000, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false)).on('close', () => resolve(false));
    socket.write('more bytes than it takes to tell TLS');
    return promise;
  }

  test('of requests', { timeout: 120_000 }, async () => {
    let denied = 0;
    for (const [i, all] of SETS.entries()) {
      for (const [caller, request] of ASKED) {
        const { status, body } = await ask(`http-${i}`, caller, request);
        const expected = naiveAllows(all, PORT, caller, request);
        const about = () =>
          JSON.stringify({
            policies: all.map(({ spec }) => spec),
            caller,
            request: { ...request, headers: [...request.headers] },
          });
        assert.equal(status, expected ? 200 : 403, about());
        if (expected) continue;
        denied++;
        assert.equal(body, 'RBAC: access denied', 'the rule is nobody’s business');
      }
    }
    assert.ok(denied > 100 && denied < SETS.length * ASKED.length - 100, `${denied} denied`);
  });

  test('of connections of raw bytes', { timeout: 120_000 }, async () => {
    for (const [i, all] of SETS.entries()) {
      const distinct = new Map(ASKED.map(([caller]) => [`${caller.id} ${caller.ip}`, caller]));
      for (const caller of [...distinct.values()].slice(0, 6)) {
        const expected = naiveAllows(all, PORT, caller, null);
        assert.equal(
          await admits(`tcp-${i}`, caller),
          expected,
          JSON.stringify({ policies: all.map(({ spec }) => spec), caller }),
        );
      }
    }
  });

  test('of a path that an application may read as another, and of one that only looks so', {
    timeout: 60_000,
  }, async () => {
    const caller = { id: idOf('shop/web'), ip: '127.0.0.1' };
    const get = (path: string) => ask('closed', caller, { method: 'GET', path, headers: new Map() });
    const closed = [
      '/admin',
      '/x/../admin',
      '//admin',
      '/%61dmin',
      '/admin;x/y',
      '/x/..%2fadmin',
      '/x%5c..%5cadmin',
      '/x/%2e%2E/admin',
      '/x/..?q',
      '/%2561dmin',
    ];
    for (const path of closed) assert.equal((await get(path)).status, 403, path);
    for (const path of ['/x', '/.well-known/x', '/x%20y', '/x?q=/../admin;%2f', '/caf%C3%A9', '/..x', '/x/.']) {
      assert.equal((await get(path)).status, path === '/x/.' ? 403 : 200, path);
    }
  });

  test('and counts by rule, with its name', async () => {
    const stats = await envoy.admin('/stats?filter=rbac');
    assert.match(stats, /http\.closed\.rbac\.deny\.denied: [1-9]/);
    assert.match(stats, /http\.closed\.rbac\.deny\.policy\.shop\/closed\/0\.denied: [1-9]/);
  });
});

function jsonOf<D extends DescMessage>(schema: D, message: MessageShape<D>): unknown {
  return toJson(schema, message, { registry: envoyTypes });
}

function httpChain(all: readonly AuthorizationPolicy[]) {
  const filters = compiled(all, 'envoy').http.map((filter) => jsonOf(HttpFilterSchema, filter));
  return (name: string): unknown[] => [
    {
      name: 'envoy.filters.network.http_connection_manager',
      typed_config: {
        '@type': `${TYPE}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager`,
        stat_prefix: name,
        http_filters: [
          ...filters,
          {
            name: 'envoy.filters.http.router',
            typed_config: { '@type': `${TYPE}extensions.filters.http.router.v3.Router` },
          },
        ],
        route_config: {
          virtual_hosts: [
            { name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200 } }] },
          ],
        },
      },
    },
  ];
}

function tcpChain(all: readonly AuthorizationPolicy[]) {
  const filters = compiled(all, 'envoy').tcp.map((filter) => jsonOf(FilterSchema, filter));
  return (name: string): unknown[] => [
    ...filters,
    {
      name: 'envoy.filters.network.tcp_proxy',
      typed_config: {
        '@type': `${TYPE}extensions.filters.network.tcp_proxy.v3.TcpProxy`,
        stat_prefix: name,
        cluster: 'app',
      },
    },
  ];
}

function listener(name: string, transport: object, chain: (name: string) => unknown[]) {
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    listener_filters: [
      {
        name: 'envoy.filters.listener.tls_inspector',
        typed_config: { '@type': `${TYPE}extensions.filters.listener.tls_inspector.v3.TlsInspector` },
      },
    ],
    filter_chains: [
      { filter_chain_match: { transport_protocol: 'tls' }, transport_socket: transport, filters: chain(name) },
      { filter_chain_match: { transport_protocol: 'raw_buffer' }, filters: chain(name) },
    ],
  };
}

function downstreamTls(own: { cert: string; key: string } | undefined, roots: string): object {
  return {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': `${TYPE}extensions.transport_sockets.tls.v3.DownstreamTlsContext`,
      require_client_certificate: true,
      common_tls_context: {
        tls_certificates: [
          { certificate_chain: { inline_string: own?.cert }, private_key: { inline_string: own?.key } },
        ],
        validation_context: { trusted_ca: { inline_string: roots } },
      },
    },
  };
}

function appCluster(port: number): object {
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  return { name: 'app', type: 'STATIC', load_assignment: { cluster_name: 'app', endpoints } };
}
