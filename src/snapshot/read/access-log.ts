/** Envoy's AccessLog → AccessLogConfig: files and the standard streams, each with a format and perhaps a filter. */
import type { AccessLog, FileAccessLog } from '../../xds/tables/messages.gen.ts';
import { FileAccessLogTable, StderrAccessLogTable, StdoutAccessLogTable } from '../../xds/tables/tables.gen.ts';
import type { AccessLogConfig } from '../access-log-config.ts';
import { compileText, type TextFormat } from '../format/text-format.ts';
import { readAccessLogFilter } from './access-log-filter.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, unsupported, within } from './problem.ts';
import { reachOf } from './reach.ts';
import { readSubstitutionFormat } from './substitution-format.ts';
import type { Terms } from './terms.ts';

const LOGGERS = 'type.googleapis.com/envoy.extensions.access_loggers';
const FILE = `${LOGGERS}.file.v3.FileAccessLog`;
const STDOUT = `${LOGGERS}.stream.v3.StdoutAccessLog`;
const STDERR = `${LOGGERS}.stream.v3.StderrAccessLog`;

/**
 * A service that collects lines: nothing is sent to one. Control planes name one in every listener (go-control-plane's
 * samples do), and traffic without those lines is worth more to them than no listener.
 */
const SERVICES: ReadonlySet<string> = new Set([
  `${LOGGERS}.grpc.v3.HttpGrpcAccessLogConfig`,
  `${LOGGERS}.grpc.v3.TcpGrpcAccessLogConfig`,
]);

const STREAMS: ReadonlySet<string> = new Set(['/dev/stdout', '/dev/stderr']);

/** Envoy's, where a log says none (docs: access log, default format string). */
export const DEFAULT_FORMAT =
  '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% ' +
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" ' +
  '"%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" "%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%"\n';

/**
 * null: none. Of a sidecar, standard output without a format is what its mesh means by "log": the agent beside it says
 * whether and where (`--access-log`), and the lines are Weft's own. No control plane names a file for it.
 */
export function readAccessLogs(
  where: string,
  messages: readonly AccessLog[],
  terms: Terms,
): readonly AccessLogConfig[] | null {
  const logs = messages.flatMap((message, i) => readAccessLog(`${where}[${i}]`, message, terms));
  return logs.length === 0 ? null : logs;
}

function readAccessLog(where: string, message: AccessLog, terms: Terms): readonly AccessLogConfig[] {
  const config = message.configType.value;
  const at = `${where}.typed_config`;
  if (config === undefined) throw invalid(at, 'required');
  const filter = message.filter === undefined ? null : readAccessLogFilter(`${where}.filter`, message.filter);
  const sink = within(at, () => readSink(config.typeUrl, config.value, terms));
  return sink === null ? [] : [{ ...sink, filter }];
}

/** null: the log is the agent's, or of a service. */
function readSink(typeUrl: string, bytes: Uint8Array, terms: Terms): Omit<AccessLogConfig, 'filter'> | null {
  switch (typeUrl) {
    case FILE: {
      const { path, accessLogFormat } = decodeConfig(FileAccessLogTable, bytes);
      if (path === '') throw invalid('path', 'required');
      if (terms.tls === 'mesh' && !STREAMS.has(path)) throw unsupported('path', 'a sidecar writes to its streams only');
      if (accessLogFormat.case !== 'format') return { path, line: readLine(accessLogFormat, terms) };
      const { value: format } = accessLogFormat;
      return { path, line: compileText('format', format || DEFAULT_FORMAT, '-', reachOf(terms)) };
    }
    case STDOUT: {
      const { accessLogFormat } = decodeConfig(StdoutAccessLogTable, bytes);
      if (terms.tls === 'mesh' && accessLogFormat.case === undefined) return null;
      return { path: '/dev/stdout', line: readLine(accessLogFormat, terms) };
    }
    case STDERR: {
      const { accessLogFormat } = decodeConfig(StderrAccessLogTable, bytes);
      return { path: '/dev/stderr', line: readLine(accessLogFormat, terms) };
    }
    default:
      if (SERVICES.has(typeUrl)) return null;
      throw unsupported('', `no access log of this proxy is a ${typeUrl || 'log without a type'}`);
  }
}

type LineFormat = Extract<FileAccessLog['accessLogFormat'], { readonly case: 'logFormat' | undefined }>;

function readLine(format: LineFormat, terms: Terms): TextFormat {
  const reach = reachOf(terms);
  if (format.case === undefined) return compileText('', DEFAULT_FORMAT, '-', reach);
  return readSubstitutionFormat('log_format', format.value, reach);
}
