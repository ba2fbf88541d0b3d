/** What holds for requests → the fault of the route that they take. The most specific policy decides, whole. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { parseGatewayDuration } from '../../core/durations.ts';
import { originOf } from '../../api/origin.ts';
import type { Reader } from '../../api/reader.ts';
import type { HeaderMatcherSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { type HTTPFault, HTTPFaultSchema } from '../../protos/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import {
  type FractionalPercent_DenominatorType,
  FractionalPercent_DenominatorType as Denominator,
} from '../../protos/gen/envoy/type/v3/percent_pb.ts';
import { durationOf, pack } from '../../protos/init.ts';
import type { RouteDraft } from '../policy-kind.ts';
import { attached, ruleOf } from '../request-target.ts';
import { faultsFor } from './ended.ts';
import type { FaultSpec } from './kind.ts';

const FILTER = 'envoy.filters.http.fault';
/** Where the proxy finds the end of a fault, in `snapshot/read/read-routes.ts`. */
const UNTIL = 'faultsUntil';
const MAX_ACTIVE = 1_000;

/** Its own place in the list of every outbound listener: without a route's configuration it does nothing. */
export function faultFilter() {
  return { name: FILTER, configType: { case: 'typedConfig' as const, value: pack(HTTPFaultSchema, {}) } };
}

export function compileRoute({ message, port, source, origins }: RouteDraft, read: Reader): void {
  if (message.action.case !== 'route') return;
  const rule = ruleOf(source);
  const ofService = faultsFor(read, port.namespace, port.service);
  const ofRoute = rule === null ? [] : faultsFor(read, rule.namespace, rule.route);
  const [policy] = attached([...new Set([...ofService, ...ofRoute])], port, rule);
  const spec = policy?.spec;
  if (policy === undefined || spec === undefined) return;
  origins.push(originOf(policy));
  message.typedPerFilterConfig[FILTER] = pack(HTTPFaultSchema, compileFault(spec));
  const about = message.metadata?.filterMetadata['weft.mesh'];
  if (about !== undefined && spec.until !== undefined) about[UNTIL] = spec.until;
}

function compileFault({ headers = [], delay, abort, maxActive = MAX_ACTIVE }: FaultSpec): HTTPFault {
  const isForGrpc = abort?.grpcStatus !== undefined;
  return create(HTTPFaultSchema, {
    headers: [...headers.map(headerOf), ...(isForGrpc ? [GRPC_CALL] : [])],
    maxActiveFaults: maxActive,
    ...(delay === undefined
      ? {}
      : {
          delay: {
            faultDelaySecifier: { case: 'fixedDelay', value: durationOf(parseGatewayDuration(delay.fixed) ?? 0) },
            percentage: fraction(delay.percentage),
          },
        }),
    ...(abort === undefined ? {} : { abort: { errorType: errorOf(abort), percentage: fraction(abort.percentage) } }),
  });
}

function errorOf({ httpStatus, grpcStatus }: NonNullable<FaultSpec['abort']>) {
  return grpcStatus === undefined
    ? { case: 'httpStatus' as const, value: httpStatus ?? 0 }
    : { case: 'grpcStatus' as const, value: grpcStatus };
}

type HeaderInit = MessageInitShape<typeof HeaderMatcherSchema>;

const GRPC_CALL = headerOf({ name: 'content-type', type: 'Prefix', value: 'application/grpc' });

function headerOf({ name, type = 'Exact', value = '' }: NonNullable<FaultSpec['headers']>[number]): HeaderInit {
  const lower = name.toLowerCase();
  if (type === 'Present') return { name: lower, headerMatchSpecifier: { case: 'presentMatch', value: true } };
  const matchPattern = { case: type === 'Exact' ? ('exact' as const) : ('prefix' as const), value };
  return { name: lower, headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } };
}

function fraction(percentage = 100): { numerator: number; denominator: FractionalPercent_DenominatorType } {
  return { numerator: Math.round(percentage * 10_000), denominator: Denominator.MILLION };
}
