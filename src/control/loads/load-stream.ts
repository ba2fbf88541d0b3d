/** LoadReportingService: a client says who it is, is told what to report and how often, and reports until it ends. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { RpcHandler } from '../../core/runtime.ts';
import { readSpiffeId, readWorkloadIdentity } from '../../identity/spiffe-id.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import type { GuardedStream } from '../publish/guarded-stream.ts';
import type { Callers } from '../publish/callers.ts';
import type { LoadMetrics, LoadReporter } from './load-metrics.ts';
import { LoadStatsRequestTable, LoadStatsResponseTable } from './load-stats.ts';

export const LOAD_STATS_PATH = '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats';

const MAX_REPORT_BYTES = 2 << 20;
const INTERVAL_MS = 10_000;
/** Told to clients that cannot report all of their own accord. */
const MAX_NAMED = 1_000;
const SEND_ALL = 'envoy.lrs.supports_send_all_clusters';

/** Service of the xDS server. `intervalMs`: how often clients report; default 10 s. */
export function openLoadStream(
  stream: GuardedStream,
  callers: Callers,
  metrics: LoadMetrics,
  intervalMs: number = INTERVAL_MS,
): RpcHandler {
  let reporter: LoadReporter | null = null;
  let nodeId = '';
  let told = '';
  let isSendingAll = false;

  const clusters = (): ReadonlySet<string> => {
    const offered = callers.proxy(nodeId)?.types.find(({ type }) => type === TYPE_URLS.cluster)?.offered;
    return new Set(offered?.keys());
  };

  /** Says what to report, when that is not what it was told last. */
  const instruct = (names: ReadonlySet<string>): void => {
    const named = isSendingAll ? [] : [...names].sort().slice(0, MAX_NAMED);
    const instruction = { clusters: named, sendAllClusters: isSendingAll, loadReportingInterval: intervalMs };
    const text = JSON.stringify(instruction);
    if (text === told || !stream.writable) return;
    told = text;
    stream.send(encode(LoadStatsResponseTable, instruction));
  };

  return {
    onMessage(message) {
      try {
        const request = decode(LoadStatsRequestTable, message, { maxBytes: MAX_REPORT_BYTES });
        if (reporter === null) {
          const node = callers.identify(stream, request.node);
          if ('code' in node) return stream.end(node);
          nodeId = node.id;
          isSendingAll = request.node?.clientFeatures.includes(SEND_ALL) ?? false;
          reporter = metrics.reporter(sourceOf(stream, node.namespace));
        }
        const names = clusters();
        instruct(names);
        if (request.clusterStats.length > 0) reporter.report(request.clusterStats, names);
      } catch (error) {
        const reason = isWeftError(error, 'limit-exceeded') ? 'message-too-large' : 'malformed';
        stream.end(callers.ending(isWeftError(error) ? reason : 'internal', messageOf(error)));
        reporter?.close();
      }
    },
    onWritable: () => {},
    onClose: () => reporter?.close(),
  };
}

/** Its service account, which its certificate says: what a client says of itself must not name series. */
function sourceOf({ peer }: GuardedStream, namespace: string): string {
  const id = readSpiffeId(peer.uris[0] ?? '');
  const identity = typeof id === 'string' ? null : readWorkloadIdentity(id);
  return `${identity?.account ?? ''}.${namespace}`;
}
