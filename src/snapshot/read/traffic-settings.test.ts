/** What a cluster, an assignment and a route say of load and resilience is read, and what they leave out is Envoy's default. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type * as m from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { any, assignment, cluster, routes } from '../sample-resources.ts';
import { readCluster } from './read-cluster.ts';
import { readEndpoints } from './read-endpoints.ts';
import { readRoutes } from './read-routes.ts';

const HTTP_OPTIONS = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';

const clusterOf = (parts: Partial<m.Cluster>) => readCluster(encode(t.ClusterTable, cluster(parts)));

const forwardOf = (action: Partial<m.RouteAction>, bufferBytes?: number) => {
  const message = routes(action);
  const [host] = message.virtualHosts;
  const [route] = host?.routes ?? [];
  assert.ok(host !== undefined && route !== undefined);
  const changed = { ...route, perRequestBufferLimitBytes: bufferBytes };
  const table = readRoutes(
    encode(t.RouteConfigurationTable, { ...message, virtualHosts: [{ ...host, routes: [changed] }] }),
    new Map(),
  );
  const read = table.hosts[0]?.routes[0]?.action;
  assert.ok(read?.kind === 'forward');
  return read;
};

function httpOptions(common: Partial<m.HttpProtocolOptions>, http2: Partial<m.Http2ProtocolOptions>) {
  const value = create(t.HttpProtocolOptions_ExplicitHttpConfigTable, {
    protocolConfig: { case: 'http2ProtocolOptions', value: create(t.Http2ProtocolOptionsTable, http2) },
  });
  const options = create(t.UpstreamHttpOptionsTable, {
    commonHttpProtocolOptions: create(t.HttpProtocolOptionsTable, common),
    upstreamProtocolOptions: { case: 'explicitHttpConfig', value },
  });
  return new Map([[HTTP_OPTIONS, any(HTTP_OPTIONS, t.UpstreamHttpOptionsTable, options)]]);
}

test('circuit limits', () => {
  const thresholds = (parts: Partial<m.CircuitBreakers_Thresholds>) =>
    clusterOf({
      circuitBreakers: create(t.CircuitBreakersTable, {
        thresholds: [create(t.CircuitBreakers_ThresholdsTable, parts)],
      }),
    }).limits;
  const unset = {
    maxConnections: 1024,
    maxPending: 1024,
    maxRequests: 1024,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  assert.deepEqual(clusterOf({}).limits, unset);
  assert.deepEqual(thresholds({ maxConnections: 1, maxPendingRequests: 2, maxRequests: 3, maxRetries: 4 }), {
    ...unset,
    maxConnections: 1,
    maxPending: 2,
    maxRequests: 3,
    maxRetries: 4,
  });
  const budget = { budgetPercent: { value: 12.5 }, minRetryConcurrency: 7 };
  assert.deepEqual(thresholds({ retryBudget: budget }), {
    ...unset,
    retryBudgetPercent: 12.5,
    minRetryConcurrency: 7,
  });
});

test('outlier detection', () => {
  const read = (parts: Partial<m.OutlierDetection>) =>
    clusterOf({ outlierDetection: create(t.OutlierDetectionTable, parts) }).outlier;
  assert.equal(clusterOf({}).outlier, null);
  assert.deepEqual(read({}), {
    intervalMs: 10_000,
    baseEjectionMs: 30_000,
    maxEjectionMs: 300_000,
    ejectionJitterMs: 0,
    maxEjectionPercent: 10,
    consecutive5xx: { count: 5, enforcingPercent: 100 },
    consecutiveGateway: { count: 5, enforcingPercent: 0 },
    splitLocalOrigin: false,
    consecutiveLocalOrigin: { count: 5, enforcingPercent: 100 },
    successRate: { minHosts: 5, minRequests: 100, stdevFactor: 1.9, enforcingPercent: 100 },
    failurePercentage: { thresholdPercent: 85, minHosts: 5, minRequests: 50, enforcingPercent: 0 },
  });
  const said = read({
    interval: 1,
    baseEjectionTime: 2,
    maxEjectionTime: 3,
    maxEjectionTimeJitter: 4,
    maxEjectionPercent: 5,
    consecutive5xx: 6,
    enforcingConsecutive5xx: 7,
    consecutiveGatewayFailure: 8,
    enforcingConsecutiveGatewayFailure: 9,
    splitExternalLocalOriginErrors: true,
    consecutiveLocalOriginFailure: 10,
    enforcingConsecutiveLocalOriginFailure: 11,
    successRateMinimumHosts: 12,
    successRateRequestVolume: 13,
    successRateStdevFactor: 1_400,
    enforcingSuccessRate: 15,
    failurePercentageThreshold: 16,
    failurePercentageMinimumHosts: 17,
    failurePercentageRequestVolume: 18,
    enforcingFailurePercentage: 19,
  });
  assert.deepEqual(said, {
    intervalMs: 1,
    baseEjectionMs: 2,
    maxEjectionMs: 3,
    ejectionJitterMs: 4,
    maxEjectionPercent: 5,
    consecutive5xx: { count: 6, enforcingPercent: 7 },
    consecutiveGateway: { count: 8, enforcingPercent: 9 },
    splitLocalOrigin: true,
    consecutiveLocalOrigin: { count: 10, enforcingPercent: 11 },
    successRate: { minHosts: 12, minRequests: 13, stdevFactor: 1.4, enforcingPercent: 15 },
    failurePercentage: { thresholdPercent: 16, minHosts: 17, minRequests: 18, enforcingPercent: 19 },
  });
});

test('balancing: choices, slow start, panic, zones', () => {
  const unset = clusterOf({}).balance;
  assert.deepEqual(
    [unset.policy, unset.choices, unset.slowStart, unset.panicPercent, unset.locality, unset.activeRequestBias],
    ['least-request', 2, null, 50, { kind: 'none' }, 1],
  );
  const slowStartConfig = create(t.Cluster_SlowStartConfigTable, {
    slowStartWindow: 30_000,
    aggression: { defaultValue: 2, runtimeKey: 'x' },
    minWeightPercent: { value: 20 },
  });
  const value = create(t.Cluster_LeastRequestLbConfigTable, { choiceCount: 4, slowStartConfig });
  const zones = create(t.Cluster_CommonLbConfig_ZoneAwareLbConfigTable, {
    routingEnabled: { value: 70 },
    minClusterSize: 3n,
    failTrafficOnPanic: true,
  });
  const { balance } = clusterOf({
    lbConfig: { case: 'leastRequestLbConfig', value },
    commonLbConfig: create(t.Cluster_CommonLbConfigTable, {
      healthyPanicThreshold: { value: 30 },
      localityConfigSpecifier: { case: 'zoneAwareLbConfig', value: zones },
    }),
  });
  assert.deepEqual(
    [balance.choices, balance.slowStart, balance.panicPercent, balance.locality],
    [
      4,
      { windowMs: 30_000, aggression: 2, minWeightPercent: 20 },
      30,
      { kind: 'zone-aware', enabledPercent: 70, minClusterSize: 3, failOnPanic: true },
    ],
  );
});

test('connections', () => {
  const life = (config: ReturnType<typeof clusterOf>) => [
    config.connectTimeoutMs,
    config.idleTimeoutMs,
    config.maxRequestsPerConnection,
    config.maxConnectionDurationMs,
    config.http2.maxStreams,
    config.http2.keepAliveIntervalMs,
    config.http2.keepAliveTimeoutMs,
  ];
  assert.deepEqual(life(clusterOf({})), [5_000, 15_000, 0, 0, 0, 0, 0]);
  const typedExtensionProtocolOptions = httpOptions(
    { idleTimeout: 1_000, maxRequestsPerConnection: 5, maxConnectionDuration: 60_000 },
    { maxConcurrentStreams: 6, connectionKeepalive: create(t.KeepaliveSettingsTable, { interval: 7, timeout: 8 }) },
  );
  const said = clusterOf({ connectTimeout: 400, typedExtensionProtocolOptions });
  assert.deepEqual(life(said), [400, 1_000, 5, 60_000, 6, 7, 8]);
  assert.equal(said.protocol, 'http2');
});

test('health checks', () => {
  const http = create(t.HealthCheck_HttpHealthCheckTable, { path: '/healthz', host: 'a' });
  const read = (parts: Partial<m.HealthCheck>) =>
    clusterOf({
      healthChecks: [
        create(t.HealthCheckTable, {
          interval: 1_000,
          timeout: 200,
          unhealthyThreshold: 4,
          healthyThreshold: 3,
          healthChecker: { case: 'httpHealthCheck', value: http },
          ...parts,
        }),
      ],
    }).healthCheck;
  const unset = {
    timeoutMs: 200,
    intervalMs: 1_000,
    noTrafficIntervalMs: 60_000,
    noTrafficHealthyIntervalMs: 60_000,
    unhealthyIntervalMs: 1_000,
    intervalJitterMs: 0,
    intervalJitterPercent: 0,
    initialJitterMs: 0,
    unhealthyThreshold: 4,
    healthyThreshold: 3,
    reuseConnection: true,
    probe: {
      kind: 'http',
      host: 'a',
      path: '/healthz',
      method: 'GET',
      expected: [{ from: 200, to: 201 }],
      headers: [],
    },
  };
  assert.deepEqual(read({}), unset);
  const grpc = create(t.HealthCheck_GrpcHealthCheckTable, { serviceName: 's', authority: 'b' });
  const said = read({
    noTrafficInterval: 5_000,
    unhealthyInterval: 6_000,
    intervalJitter: 7,
    intervalJitterPercent: 8,
    initialJitter: 9,
    reuseConnection: false,
    healthChecker: { case: 'grpcHealthCheck', value: grpc },
  });
  assert.deepEqual(said, {
    ...unset,
    noTrafficIntervalMs: 5_000,
    noTrafficHealthyIntervalMs: 5_000,
    unhealthyIntervalMs: 6_000,
    intervalJitterMs: 7,
    intervalJitterPercent: 8,
    initialJitterMs: 9,
    reuseConnection: false,
    probe: { kind: 'grpc', service: 's', authority: 'b' },
  });
});

test('priorities, overprovisioning and what is to be dropped', () => {
  const message = assignment(['10.0.0.1']);
  const [group] = message.endpoints;
  assert.ok(group !== undefined);
  const dropPercentage = create(t.FractionalPercentTable, { numerator: 5, denominator: 0 });
  const policy = create(t.ClusterLoadAssignment_PolicyTable, {
    overprovisioningFactor: 200,
    dropOverloads: [create(t.ClusterLoadAssignment_Policy_DropOverloadTable, { category: 'load', dropPercentage })],
  });
  const read = readEndpoints(
    encode(t.ClusterLoadAssignmentTable, { ...message, policy, endpoints: [{ ...group, priority: 2 }] }),
  );
  assert.deepEqual(
    [read.endpoints[0]?.priority, read.overprovisioningPercent, read.drops],
    [2, 200, [{ category: 'load', share: 0.05 }]],
  );
});

test('times of a route, its buffer and its hedges', () => {
  const of = (route: ReturnType<typeof forwardOf>) => [
    route.timeoutMs,
    route.idleTimeoutMs,
    route.maxDurationMs,
    route.maxReplayBytes,
    route.hedge,
    route.retry,
  ];
  assert.deepEqual(of(forwardOf({})), [15_000, null, null, 65_536, null, null]);
  const said = forwardOf(
    {
      timeout: 1,
      idleTimeout: 0,
      maxStreamDuration: create(t.RouteAction_MaxStreamDurationTable, { maxStreamDuration: 3 }),
      hedgePolicy: create(t.HedgePolicyTable, { initialRequests: 3, hedgeOnPerTryTimeout: true }),
    },
    77,
  );
  const hedge = { initialTries: 3, extraChance: 0, onPerTryTimeout: true };
  assert.deepEqual(of(said), [1, 0, 3, 77, hedge, null]);
});

test('retries: each condition by its name, and the defaults', () => {
  const read = (retryOn: string, parts: Partial<m.RetryPolicy> = {}) => {
    const { retry } = forwardOf({ retryPolicy: create(t.RetryPolicyTable, { retryOn, ...parts }) });
    assert.ok(retry !== null);
    return retry;
  };
  const unset = read('');
  assert.deepEqual(
    [unset.retries, unset.perTryTimeoutMs, unset.baseIntervalMs, unset.maxIntervalMs, unset.grpcStatuses],
    [1, 0, 25, 250, 0],
  );
  const flags = [
    'onConnectFailure',
    'onRefusedStream',
    'onReset',
    'onResetBeforeRequest',
    'onGatewayError',
    'on5xx',
  ] as const;
  const names = ['connect-failure', 'refused-stream', 'reset', 'reset-before-request', 'gateway-error', '5xx'];
  for (const [i, name] of names.entries()) {
    const said = read(`${name}, unknown`);
    assert.deepEqual(
      flags.filter((flag) => said[flag]),
      [flags[i]],
      name,
    );
  }
  const statuses = { cancelled: 1, 'deadline-exceeded': 4, internal: 13, 'resource-exhausted': 8, unavailable: 14 };
  for (const [name, status] of Object.entries(statuses)) assert.equal(read(name).grpcStatuses, 1 << status, name);
  assert.deepEqual(read('retriable-4xx').statusCodes, [409]);
  assert.deepEqual(read('', { retriableStatusCodes: [500] }).statusCodes, []);
  assert.deepEqual(read('retriable-status-codes', { retriableStatusCodes: [500, 418] }).statusCodes, [500, 418]);
  const retryBackOff = create(t.RetryPolicy_RetryBackOffTable, { baseInterval: 10, maxInterval: 500 });
  const said = read('reset', { numRetries: 4, perTryTimeout: 100, perTryIdleTimeout: 50, retryBackOff });
  assert.deepEqual(
    [said.retries, said.perTryTimeoutMs, said.perTryIdleTimeoutMs, said.baseIntervalMs, said.maxIntervalMs],
    [4, 100, 50, 10, 500],
  );
});
