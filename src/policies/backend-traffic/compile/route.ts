/** What holds for requests → the route that they take. It writes every field that a policy could, so that defaults stand once. */
import { create } from '@bufbuild/protobuf';
import { type Duration, DurationSchema } from '@bufbuild/protobuf/wkt';
import type { Reader } from '../../../api/reader.ts';
import {
  HedgePolicySchema,
  RetryPolicySchema,
  RouteAction_HashPolicySchema,
  RouteAction_MaxStreamDurationSchema,
  type RouteAction,
} from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { durationOf } from '../../../protos/init.ts';
import type { RouteDraft, ServicePortRef } from '../../policy-kind.ts';
import { ruleOf } from '../../request-target.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { backendTraffic, requestTraffic } from '../views.ts';
import { hashPolicy } from './load-balancing.ts';
import { retriesAll, retryPolicy } from './retry.ts';
import { millisecondsOf } from './values.ts';

export function compileRoute(draft: RouteDraft, read: Reader): void {
  const { message, port, backends, idempotent, source } = draft;
  if (message.action.case !== 'route') return;
  const action = message.action.value;
  const { sections, origins } = read.view(requestTraffic, { port, rule: ruleOf(source) });
  draft.origins.push(...Object.values(origins));
  const { timeouts = {}, retry, hedge } = sections;
  const written = source?.rule.timeouts;
  // Said even when zero: unset would be Envoy's 15 seconds.
  action.timeout = duration(millisecondsOf(written?.request ?? timeouts.request, '0s'));
  if (timeouts.streamIdle !== undefined) action.idleTimeout = duration(millisecondsOf(timeouts.streamIdle, '0s'));
  limitDuration(action, timeouts);
  const hedged = hedge !== undefined && retriesAll(retry, idempotent);
  const perTry = written?.backendRequest ?? (hedged ? hedge.after : timeouts.perTry);
  action.retryPolicy = create(RetryPolicySchema, retryPolicy(retry, idempotent, millisecondsOf(perTry, '0s')));
  if (hedged) {
    action.hedgePolicy = create(HedgePolicySchema, {
      hedgeOnPerTryTimeout: true,
      initialRequests: hedge.initialRequests ?? 1,
    });
  }
  if (retry?.maxBodyBytes !== undefined) message.perRequestBufferLimitBytes = retry.maxBodyBytes;
  action.hashPolicy = hashSources(backends, read);
}

/**
 * Left out where nothing is limited: Envoy forgets a route's `timeout` where this stands. A gRPC deadline holds without
 * it, for it is the caller's and the callee's.
 */
function limitDuration(action: RouteAction, timeouts: NonNullable<BackendTrafficSpec['timeouts']>): void {
  const maxMs = millisecondsOf(timeouts.maxDuration, '0s');
  if (maxMs === 0) return;
  action.maxStreamDuration = create(RouteAction_MaxStreamDurationSchema, {
    // Zero: as the caller set it.
    grpcTimeoutHeaderMax: durationOf(0),
    maxStreamDuration: durationOf(maxMs),
  });
}

/** What the backends hash: it is they who hold requests together, whatever was called. */
function hashSources(backends: readonly ServicePortRef[], read: Reader): RouteAction['hashPolicy'] {
  const sources = backends.flatMap(
    (backend) => read.view(backendTraffic, backend).sections.loadBalancing?.hashOn ?? [],
  );
  const distinct = new Map(sources.map((source) => [JSON.stringify(source), source]));
  return hashPolicy([...distinct.values()]).map((policy) => create(RouteAction_HashPolicySchema, policy));
}

function duration(ms: number): Duration {
  return create(DurationSchema, durationOf(ms));
}
