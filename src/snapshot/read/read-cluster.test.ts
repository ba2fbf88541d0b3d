import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as m from '../../xds/tables/messages.gen.ts';
import { Cluster_DiscoveryType, Cluster_LbPolicy } from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { ADS } from '../sample-resources.ts';
import type { Terms } from './terms.ts';
import { readCluster } from './read-cluster.ts';

const original = (parts: Partial<m.Cluster> = {}, config: Partial<m.Cluster_OriginalDstLbConfig> = {}, terms?: Terms) =>
  readCluster(
    encode(
      t.ClusterTable,
      create(t.ClusterTable, {
        name: 'captured',
        clusterDiscoveryType: { case: 'type', value: Cluster_DiscoveryType.ORIGINAL_DST },
        lbPolicy: Cluster_LbPolicy.CLUSTER_PROVIDED,
        lbConfig: { case: 'originalDstLbConfig', value: create(t.Cluster_OriginalDstLbConfigTable, config) },
        ...parts,
      }),
    ),
    terms,
  );

test('a cluster of original destinations: how long hosts are kept, and the port', () => {
  const { discovery, hostCleanupMs, originalPort } = original();
  assert.deepEqual([discovery, hostCleanupMs, originalPort], ['original-dst', 5_000, 0]);
  assert.equal(original({ cleanupInterval: 60_000 }).hostCleanupMs, 60_000);
  assert.equal(original({}, { upstreamPortOverride: 8080 }).originalPort, 8080);
  assert.throws(() => original({ cleanupInterval: 0 }), /cleanup_interval/);
  assert.throws(() => original({}, { upstreamPortOverride: 70_000 }), /70000 is not a port/);
});

test('a destination that a request could choose is refused', () => {
  assert.throws(() => original({}, { useHttpHeader: true }), /use_http_header/);
  assert.throws(() => original({}, { httpHeaderName: 'x-to' }), /http_header_name/);
});

const dnsOf = (parts: Partial<m.Cluster>) => original(parts).dns;
const resolver = (name: string, value: Uint8Array = new Uint8Array(0)) => ({
  name: 'dns',
  typedConfig: { typeUrl: `type.googleapis.com/envoy.extensions.network.dns_resolver.${name}`, value },
});

test('how names are looked up', () => {
  assert.deepEqual(dnsOf({}), { refreshMs: 5_000, failure: null, family: 'auto' });
  const said = dnsOf({
    dnsRefreshRate: 60_000,
    dnsLookupFamily: 4,
    dnsFailureRefreshRate: { baseInterval: 10, maxInterval: undefined },
  });
  assert.deepEqual(said, {
    refreshMs: 60_000,
    failure: { baseIntervalMs: 10, maxIntervalMs: 100 },
    family: 'all',
  });
  assert.equal(dnsOf({ dnsRefreshRate: 60_000, respectDnsTtl: true }).refreshMs, 5_000);
  assert.throws(() => dnsOf({ dnsLookupFamily: 9 }), /dns_lookup_family/);
});

test('a resolver that would find other addresses is refused', () => {
  dnsOf({ typedDnsResolverConfig: resolver('getaddrinfo.v3.GetAddrInfoDnsResolverConfig') });
  const cares = (parts: Partial<m.CaresDnsResolverConfig>) => {
    const value = encode(t.CaresDnsResolverConfigTable, create(t.CaresDnsResolverConfigTable, parts));
    return dnsOf({ typedDnsResolverConfig: resolver('cares.v3.CaresDnsResolverConfig', value) });
  };
  const resolvers = [create(t.AddressTable, {})];
  cares({ useResolversAsFallback: true, resolvers });
  assert.throws(() => cares({ resolvers }), /typed_dns_resolver_config.typed_config: resolvers/);
  assert.throws(
    () => dnsOf({ typedDnsResolverConfig: resolver('apple.v3.AppleDnsResolverConfig') }),
    /apple.*typed_dns_resolver_config/,
  );
});

test('a server that each request would name is refused where TLS would tell it', () => {
  const upstreamHttpProtocolOptions = create(t.UpstreamHttpProtocolOptionsTable, { autoSni: true });
  original({ upstreamHttpProtocolOptions });
  const value = encode(
    t.UpstreamTlsContextTable,
    create(t.UpstreamTlsContextTable, {
      commonTlsContext: create(t.CommonTlsContextTable, {
        validationContextType: {
          case: 'validationContextSdsSecretConfig',
          value: create(t.SdsSecretConfigTable, { name: 'trust-bundle', sdsConfig: ADS }),
        },
      }),
    }),
  );
  const typeUrl = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
  const transportSocket = create(t.TransportSocketTable, {
    name: 'envoy.transport_sockets.tls',
    configType: { case: 'typedConfig', value: { typeUrl, value } },
  });
  assert.throws(
    () =>
      original(
        { upstreamHttpProtocolOptions, transportSocket },
        {},
        { asks: () => true, tls: 'own', noOriginalDestination: () => null },
      ),
    /upstream_http_protocol_options.auto_sni/,
  );
});

test('what a change of hosts does to the others', () => {
  const { closesOnHostChange, balance } = original();
  assert.deepEqual([closesOnHostChange, balance.ignoresUnchecked], [false, false]);
  const commonLbConfig = create(t.Cluster_CommonLbConfigTable, {
    closeConnectionsOnHostSetChange: true,
    ignoreNewHostsUntilFirstHc: true,
  });
  const said = original({ commonLbConfig });
  assert.deepEqual([said.closesOnHostChange, said.balance.ignoresUnchecked], [true, true]);
});

test('how sockets are made', () => {
  assert.equal(original().socket, null);
  const at = (address: string) =>
    create(t.SocketAddressTable, { address, portSpecifier: { case: 'portValue', value: 0 } });
  const bind = (parts: Partial<m.BindConfig>) =>
    original({ upstreamBindConfig: create(t.BindConfigTable, parts) }).socket;
  const extra = create(t.ExtraSourceAddressTable, { address: at('::1') });
  assert.deepEqual(bind({ sourceAddress: at('127.0.0.7'), extraSourceAddresses: [extra] }), {
    sources: [
      { host: '127.0.0.7', port: 0 },
      { host: '::1', port: 0 },
    ],
    keepAlive: null,
  });
  assert.throws(() => bind({ sourceAddress: at('somewhere') }), /upstream_bind_config.source_address/);
  assert.throws(() => bind({ freebind: true }), /upstream_bind_config.freebind/);
  const keep = (parts: Partial<m.TcpKeepalive>) => {
    const tcpKeepalive = create(t.TcpKeepaliveTable, parts);
    return original({ upstreamConnectionOptions: create(t.UpstreamConnectionOptionsTable, { tcpKeepalive }) }).socket;
  };
  assert.deepEqual(keep({})?.keepAlive, { idleSeconds: 0, intervalSeconds: 0, probes: 0 });
  assert.deepEqual(keep({ keepaliveTime: 30, keepaliveInterval: 10, keepaliveProbes: 3 })?.keepAlive, {
    idleSeconds: 30,
    intervalSeconds: 10,
    probes: 3,
  });
  assert.throws(() => keep({ keepaliveTime: 40_000 }), /upstream_connection_options.tcp_keepalive.keepalive_time/);
});

test('connections of other sockets are made anew', () => {
  const tcpKeepalive = create(t.TcpKeepaliveTable, {});
  const said = original({ upstreamConnectionOptions: create(t.UpstreamConnectionOptionsTable, { tcpKeepalive }) });
  assert.notEqual(said.transportHash, original().transportHash);
});
