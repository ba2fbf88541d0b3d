/** Envoy's AccessLogFilter → a function that says of an exchange whether it has a line. Runtime keys have their defaults. */
import { REQUEST_ID, TRACEPARENT } from '../../http/field-name.ts';
import { GRPC_STATUS, grpcStatusOfHttp } from '../../http/grpc/status.ts';
import { compileHeader, headerMatches } from '../../http/match/header.ts';
import { Head } from '../../http/head.ts';
import { readFraction } from '../../xds/fraction.ts';
import { readHeaderMatcher } from '../../xds/matchers/header-matcher.ts';
import {
  type AccessLogFilter as Message,
  AccessLogType,
  type ComparisonFilter,
  ComparisonFilter_Op as Op,
  FractionalPercent_DenominatorType as Denominator,
  type GrpcStatusFilter,
  type HeaderFilter,
  type LogTypeFilter,
  type ResponseFlagFilter,
  type RuntimeFilter,
} from '../../xds/tables/messages.gen.ts';
import type { LogFilter } from '../access-log-config.ts';
import type { Facts } from '../format/facts.ts';
import { invalid, unsupported } from './problem.ts';

/** Filters within filters. */
const MAX_DEPTH = 16;

/** Those of Envoy (docs: access log, response flags); any other is a mistake of the writer. */
const FLAGS: ReadonlySet<string> = new Set([
  ...['LH', 'UH', 'UT', 'LR', 'UR', 'UF', 'UC', 'UO', 'NR', 'DI', 'FI', 'RL', 'UAEX', 'RLSE', 'DC', 'URX', 'SI', 'IH'],
  ...['DPE', 'UMSDR', 'RFCF', 'NFCF', 'DT', 'UPE', 'NC', 'OM', 'DF', 'DO', 'DR', 'UDO'],
]);

export function readAccessLogFilter(where: string, { filterSpecifier: filter }: Message, depth = 0): LogFilter {
  if (depth > MAX_DEPTH) throw invalid(where, `more than ${MAX_DEPTH} filters within one another`);
  switch (filter.case) {
    case undefined:
      throw invalid(`${where}.filter_specifier`, 'required');
    case 'statusCodeFilter': {
      const holds = readComparison(`${where}.status_code_filter.comparison`, filter.value.comparison);
      return ({ status }) => holds(status);
    }
    case 'durationFilter': {
      const holds = readComparison(`${where}.duration_filter.comparison`, filter.value.comparison);
      return ({ durationMs }) => holds(Math.floor(durationMs));
    }
    // What answers a health check here is the application.
    case 'notHealthCheckFilter':
      return () => true;
    case 'traceableFilter':
      return isTraced;
    case 'runtimeFilter':
      return readSampling(`${where}.runtime_filter`, filter.value);
    case 'andFilter': {
      const parts = readParts(`${where}.and_filter`, filter.value.filters, depth);
      return (facts) => parts.every((part) => part(facts));
    }
    case 'orFilter': {
      const parts = readParts(`${where}.or_filter`, filter.value.filters, depth);
      return (facts) => parts.some((part) => part(facts));
    }
    case 'headerFilter':
      return readHeader(`${where}.header_filter`, filter.value);
    case 'responseFlagFilter':
      return readFlags(`${where}.response_flag_filter`, filter.value);
    case 'grpcStatusFilter':
      return readGrpcStatus(filter.value);
    case 'logTypeFilter':
      return readLogType(filter.value);
    case 'extensionFilter':
      throw unsupported(`${where}.extension_filter`);
    case 'metadataFilter':
      throw unsupported(`${where}.metadata_filter`);
  }
}

/** Envoy refuses fewer than two as well. */
function readParts(where: string, messages: readonly Message[], depth: number): readonly LogFilter[] {
  if (messages.length < 2) throw invalid(`${where}.filters`, 'at least two');
  return messages.map((message, i) => readAccessLogFilter(`${where}.filters[${i}]`, message, depth + 1));
}

function readComparison(where: string, comparison: ComparisonFilter | undefined): (value: number) => boolean {
  if (comparison?.value === undefined) throw invalid(`${where}.value`, 'required');
  const { defaultValue: bound } = comparison.value;
  switch (comparison.op) {
    case Op.EQ:
      return (value) => value === bound;
    case Op.GE:
      return (value) => value >= bound;
    case Op.LE:
      return (value) => value <= bound;
    default:
      throw unsupported(`${where}.op`);
  }
}

/** The sampled flag of W3C Trace Context, which stands last in the field. */
function isTraced({ request }: Facts): boolean {
  const text = request?.value(TRACEPARENT) ?? null;
  return text !== null && (Number.parseInt(text.slice(-2), 16) & 1) === 1;
}

const DENOMINATORS: ReadonlyMap<number, number> = new Map([
  [Denominator.HUNDRED, 100],
  [Denominator.TEN_THOUSAND, 10_000],
  [Denominator.MILLION, 1_000_000],
]);

/** As in Envoy the request's id decides, so that all proxies on its way log the same requests; else chance does. */
function readSampling(where: string, message: RuntimeFilter): LogFilter {
  if (message.runtimeKey === '') throw invalid(`${where}.runtime_key`, 'required');
  const percent = message.percentSampled;
  if (percent === undefined) return () => false;
  const share = readFraction(`${where}.percent_sampled`, percent);
  const denominator = DENOMINATORS.get(percent.denominator) ?? 1;
  return (facts) => {
    const id = message.useIndependentRandomness ? '' : (facts.request?.value(REQUEST_ID) ?? '');
    const value = /^[0-9a-f]{8}/i.test(id) ? Number.parseInt(id.slice(0, 8), 16) : -1;
    return value < 0 ? facts.random() < share : value % denominator < percent.numerator;
  };
}

function readHeader(where: string, message: HeaderFilter): LogFilter {
  if (message.header === undefined) throw invalid(`${where}.header`, 'required');
  const header = compileHeader(readHeaderMatcher(`${where}.header`, message.header));
  const none = new Head();
  const withoutHead = headerMatches(header, none);
  none.free();
  return ({ request }) => (request === null ? withoutHead : headerMatches(header, request));
}

/** No flags named: whichever. */
function readFlags(where: string, message: ResponseFlagFilter): LogFilter {
  const unknown = message.flags.find((flag) => !FLAGS.has(flag));
  if (unknown !== undefined) throw invalid(`${where}.flags`, `${JSON.stringify(unknown)} is no response flag`);
  const flags: ReadonlySet<string> = new Set(message.flags);
  return ({ flag }) => (flags.size === 0 ? flag !== '' : flags.has(flag));
}

/** Of what is no gRPC, what the HTTP status means to it; Envoy takes a 200 without a status for `UNKNOWN`. */
function readGrpcStatus({ statuses, exclude }: GrpcStatusFilter): LogFilter {
  const wanted: ReadonlySet<number> = new Set(statuses);
  return ({ grpcStatus, status }) => {
    const plain = status === 200 ? GRPC_STATUS.unknown : grpcStatusOfHttp(status);
    return wanted.has(grpcStatus >= 0 ? grpcStatus : plain) !== exclude;
  };
}

/** Lines are written at the end alone. */
function readLogType({ types, exclude }: LogTypeFilter): LogFilter {
  return ({ logType }) => types.includes(AccessLogType[logType]) !== exclude;
}
