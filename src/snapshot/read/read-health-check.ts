/** Envoy's HealthCheck → HealthCheckConfig, with its defaults. */
import type { HealthCheck, HealthCheck_HttpHealthCheck, HealthCheck_Payload } from '../../xds/tables/messages.gen.ts';
import { RequestMethod } from '../../xds/tables/messages.gen.ts';
import { isToken } from '../../http/token.ts';
import type { HealthCheckConfig, HttpProbeConfig, ProbeConfig } from '../health-check-config.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';

const NO_TRAFFIC_INTERVAL_MS = 60_000;
/** A check is no load test. */
const MIN_INTERVAL_MS = 100;
const MAX_HEADERS = 32;
/** A value that would end its line could add lines of its own. */
const FIELD_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Null without a check. Several would have to agree, which Envoy does not define either. */
export function readHealthCheck(where: string, messages: readonly HealthCheck[]): HealthCheckConfig | null {
  const [message, ...more] = messages;
  if (message === undefined) return null;
  if (more.length > 0) throw unsupported(`${where}[1]`, 'one check a cluster');
  const at = `${where}[0]`;
  const intervalMs = interval(`${at}.interval`, message.interval);
  const noTrafficIntervalMs = interval(
    `${at}.no_traffic_interval`,
    message.noTrafficInterval ?? NO_TRAFFIC_INTERVAL_MS,
  );
  return {
    timeoutMs: interval(`${at}.timeout`, message.timeout),
    intervalMs,
    noTrafficIntervalMs,
    noTrafficHealthyIntervalMs: interval(
      `${at}.no_traffic_healthy_interval`,
      message.noTrafficHealthyInterval ?? noTrafficIntervalMs,
    ),
    unhealthyIntervalMs: interval(`${at}.unhealthy_interval`, message.unhealthyInterval ?? intervalMs),
    intervalJitterMs: message.intervalJitter ?? 0,
    intervalJitterPercent: message.intervalJitterPercent,
    initialJitterMs: message.initialJitter ?? 0,
    unhealthyThreshold: threshold(`${at}.unhealthy_threshold`, message.unhealthyThreshold),
    healthyThreshold: threshold(`${at}.healthy_threshold`, message.healthyThreshold),
    reuseConnection: message.reuseConnection ?? true,
    probe: readProbe(at, message.healthChecker),
  };
}

function readProbe(where: string, checker: HealthCheck['healthChecker']): ProbeConfig {
  switch (checker.case) {
    case 'tcpHealthCheck': {
      const at = `${where}.tcp_health_check`;
      const { send, receive } = checker.value;
      return {
        kind: 'tcp',
        send: send === undefined ? new Uint8Array(0) : readPayload(`${at}.send`, send),
        receive: receive.map((payload, i) => readPayload(`${at}.receive[${i}]`, payload)),
      };
    }
    case 'httpHealthCheck':
      return readHttp(`${where}.http_health_check`, checker.value);
    case 'grpcHealthCheck':
      return { kind: 'grpc', service: checker.value.serviceName, authority: checker.value.authority };
    case undefined:
      throw unsupported(where, 'this proxy checks by TCP, HTTP or gRPC');
  }
}

/** Envoy's `text` is hexadecimal. */
function readPayload(where: string, { payload }: HealthCheck_Payload): Uint8Array {
  if (payload.case === 'binary') return payload.value;
  if (payload.case === undefined || !/^(?:[0-9a-fA-F]{2})+$/.test(payload.value)) {
    throw invalid(`${where}.text`, 'must be bytes in hexadecimal');
  }
  return Buffer.from(payload.value, 'hex');
}

function readHttp(where: string, message: HealthCheck_HttpHealthCheck): HttpProbeConfig {
  refuseSet(`${where}.request_headers_to_remove`, message.requestHeadersToRemove);
  if (!message.path.startsWith('/')) throw invalid(`${where}.path`, 'must begin with /');
  if (message.requestHeadersToAdd.length > MAX_HEADERS) throw invalid(`${where}.request_headers_to_add`, 'too many');
  const names = Object.entries(RequestMethod);
  const method = names.find(([, number]) => number === message.method)?.[0] ?? '';
  if (method === '' || method === 'CONNECT') throw invalid(`${where}.method`, 'not a method of a check');
  return {
    kind: 'http',
    host: message.host,
    path: message.path,
    method: method === 'METHOD_UNSPECIFIED' ? 'GET' : method,
    expected:
      message.expectedStatuses.length === 0
        ? [{ from: 200, to: 201 }]
        : message.expectedStatuses.map(({ start, end }, i) => {
            const range = { from: Number(start), to: Number(end) };
            if (range.from < 100 || range.to > 600 || range.to <= range.from) {
              throw invalid(`${where}.expected_statuses[${i}]`, 'must be a half open range within 100 and 600');
            }
            return range;
          }),
    headers: message.requestHeadersToAdd.map(({ header }, i) => {
      const { key = '', value = '' } = header ?? {};
      if (!isToken(key) || !FIELD_VALUE.test(value)) {
        throw invalid(`${where}.request_headers_to_add[${i}].header`, 'not a field');
      }
      return { name: key, value };
    }),
  };
}

function interval(where: string, durationMs: number | undefined): number {
  if (durationMs === undefined || durationMs <= 0) throw invalid(where, 'must be more than 0');
  return Math.max(durationMs, MIN_INTERVAL_MS);
}

function threshold(where: string, count: number | undefined): number {
  if (count === undefined) throw invalid(where, 'required');
  return Math.max(1, count);
}
