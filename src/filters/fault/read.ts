/** Envoy's HTTPFault → FaultConfig. What cannot be honoured is refused with its path: a fault that goes to others is an outage. */
import { type CompiledHeader, compileHeader } from '../../http/match/header.ts';
import { readFraction } from '../../xds/fraction.ts';
import { readHeaderMatcher } from '../../xds/matchers/header-matcher.ts';
import { invalid, refuseSet, unsupported } from '../../xds/problem.ts';
import type { FaultAbort, FaultDelay, FractionalPercent } from '../../xds/tables/messages.gen.ts';
import { HTTPFaultTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';

export interface FaultConfig {
  /** null: none. */
  readonly delay: { readonly chance: number; readonly ms: number } | null;
  /** null: none. `grpcStatus` -1: whatever the HTTP status means to gRPC. */
  readonly abort: { readonly chance: number; readonly httpStatus: number; readonly grpcStatus: number } | null;
  /** All must hold for a request to be concerned. */
  readonly headers: readonly CompiledHeader[];
  /** Requests at once that are held back; one more passes as if there were no fault. */
  readonly maxActive: number;
}

/** Where the configuration says nothing; Envoy has no bound. */
const MAX_ACTIVE = 10_000;

/** Names of runtime keys (8 to 14), of which this proxy has none, and what is counted or noted beside (15, 16). */
const FIRST_HARMLESS = 8;

export function readFault(config: Uint8Array): FaultConfig {
  const message = decode(HTTPFaultTable, config, {
    onUnknown(path, fieldNumber) {
      if (path === HTTPFaultTable.name && fieldNumber >= FIRST_HARMLESS) return;
      throw unsupported(path, `field ${fieldNumber} of this message is unknown to this proxy`);
    },
  });
  refuseSet('upstream_cluster', message.upstreamCluster);
  refuseSet('response_rate_limit', message.responseRateLimit);
  return {
    delay: message.delay === undefined ? null : readDelay(message.delay),
    abort: message.abort === undefined ? null : readAbort(message.abort),
    headers: message.headers.map((header, i) => compileHeader(readHeaderMatcher(`headers[${i}]`, header))),
    maxActive: message.maxActiveFaults ?? MAX_ACTIVE,
  };
}

function readDelay({ faultDelaySecifier: delay, percentage }: FaultDelay): FaultConfig['delay'] {
  switch (delay.case) {
    case undefined:
      throw invalid('delay.fault_delay_secifier', 'required');
    case 'headerDelay':
      throw unsupported('delay.header_delay', 'callers do not choose their faults here');
    case 'fixedDelay':
      if (delay.value <= 0) throw invalid('delay.fixed_delay', 'must be more than nothing');
      return { chance: readChance('delay.percentage', percentage), ms: delay.value };
  }
}

function readAbort({ errorType, percentage }: FaultAbort): FaultConfig['abort'] {
  const chance = readChance('abort.percentage', percentage);
  switch (errorType.case) {
    case undefined:
      throw invalid('abort.error_type', 'required');
    case 'headerAbort':
      throw unsupported('abort.header_abort', 'callers do not choose their faults here');
    case 'httpStatus':
      // As Envoy's own rule for the field.
      if (errorType.value < 200 || errorType.value > 599) {
        throw invalid('abort.http_status', `${errorType.value} is not from 200 to 599`);
      }
      return { chance, httpStatus: errorType.value, grpcStatus: -1 };
    case 'grpcStatus':
      if (errorType.value > 16) throw invalid('abort.grpc_status', `${errorType.value} is not from 0 to 16`);
      // As Envoy: a caller that does not speak gRPC gets a response of HTTP that says nothing.
      return { chance, httpStatus: 200, grpcStatus: errorType.value };
  }
}

/** Unset is never, as proto3 has it. */
function readChance(where: string, percentage: FractionalPercent | undefined): number {
  return percentage === undefined ? 0 : readFraction(where, percentage);
}
