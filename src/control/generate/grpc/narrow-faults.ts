/**
 * The fault of a route in the terms of gRPC clients (gRFC A33), which inject it into whatever takes the route: what its
 * headers ask for becomes a route of its own before the one without.
 */
import { fromBinary } from '@bufbuild/protobuf';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { HeaderMatcher } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { HTTPFaultSchema } from '../../../protos/gen/envoy/extensions/filters/http/fault/v3/fault_pb.ts';
import { pack } from '../../../protos/init.ts';
import { FAULT_FILTER } from './http-filters.ts';

type FilterConfigs = { readonly [filter: string]: Any };

export interface Variant {
  /** Besides those of the route. */
  readonly headers: readonly HeaderMatcher[];
  readonly typedPerFilterConfig: { [filter: string]: Any };
}

/** In the order in which they are tried. What other filters are told is left out: clients have no other. */
export function variantsOf(written: FilterConfigs): Variant[] {
  const config = written[FAULT_FILTER];
  const without: Variant = { headers: [], typedPerFilterConfig: {} };
  if (config === undefined) return [without];
  const { delay, abort, maxActiveFaults, headers: asked } = fromBinary(HTTPFaultSchema, config.value);
  const headers = asked.filter((header) => !holdsForAllCalls(header));
  const fault = pack(HTTPFaultSchema, {
    ...(delay === undefined ? {} : { delay }),
    ...(abort === undefined ? {} : { abort }),
    ...(maxActiveFaults === undefined ? {} : { maxActiveFaults }),
  });
  const faulty: Variant = { headers, typedPerFilterConfig: { [FAULT_FILTER]: fault } };
  return headers.length === 0 ? [faulty] : [faulty, without];
}

function holdsForAllCalls({ name, headerMatchSpecifier: specifier }: HeaderMatcher): boolean {
  if (name !== 'content-type' || specifier.case !== 'stringMatch') return false;
  const { case: kind, value } = specifier.value.matchPattern;
  return kind === 'prefix' && 'application/grpc'.startsWith(value);
}
