/** How a response came to be, in Envoy's words (`%RESPONSE_CODE_DETAILS%`): dashboards and alerts compare them. */
import type { ResponseFlag } from '../../http/flags.ts';
import { byteText } from '../../snapshot/format/byte-text.ts';

const WORDS: Readonly<Partial<Record<ResponseFlag, string>>> = {
  DC: 'downstream_remote_disconnect',
  DO: 'drop_overload',
  DT: 'max_duration_timeout',
  FI: 'fault_filter_abort',
  NC: 'cluster_not_found',
  NR: 'route_not_found',
  OM: 'overload',
  SI: 'stream_idle_timeout',
  UC: 'upstream_reset_before_response_started{connection_termination}',
  UF: 'upstream_reset_before_response_started{remote_connection_failure}',
  UH: 'no_healthy_upstream',
  UMSDR: 'upstream_per_try_timeout',
  UO: 'upstream_reset_before_response_started{overflow}',
  UPE: 'upstream_reset_before_response_started{protocol_error}',
  UR: 'upstream_reset_before_response_started{remote_reset}',
  UT: 'response_timeout',
};

/** `detail` is ours: it stands where Envoy has no word, without the blanks that Envoy's never have. */
export function codeDetails(flag: ResponseFlag, detail: string, isUpstreams: boolean): string {
  if (isUpstreams && (flag === '' || flag === 'URX' || flag === 'DI')) return 'via_upstream';
  if (flag === '' && (detail === 'direct response' || detail === 'redirect response')) return 'direct_response';
  return WORDS[flag] ?? byteText(detail).replace(/[^\x21-\x7e\x80-\xff]+/g, '_');
}
