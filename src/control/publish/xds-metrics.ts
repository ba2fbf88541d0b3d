/** What the xDS server counts. Every bound of it and every way in which it turns a client away has a series. */
import { type Counter, Counters, type Gauge } from '../../core/counters.ts';
import type { RpcStatus } from '../../core/runtime.ts';
import { shortTypeName, TYPE_ORDER } from '../../xds/resource.ts';
import { STREAM_ENDINGS, type StreamEnding } from './stream-endings.ts';

/** Types that clients ask for and we do not serve are theirs to name, so they are counted together. */
const OTHER = 'other';
const SERVED: ReadonlySet<string> = new Set(TYPE_ORDER);

export class XdsMetrics {
  readonly counters: Counters;
  readonly streams: Gauge;
  readonly proxies: Gauge;
  readonly requests: Counter;
  /** Requests that answer none of the responses that are under way. */
  readonly staleNonces: Counter;
  /** Streams that were read from no further for a while, because they ask for more than a client has reason to. */
  readonly throttled: Counter;
  /** Proxies whose first configuration waits for its turn, and how often one had to. */
  readonly waiting: Gauge;
  readonly waited: Counter;
  /** Contents that proxies refuse and are not sent again. */
  readonly quarantined: Gauge;
  /** Responses that were encoded: the rest shared their bytes. */
  readonly framings: Gauge;
  readonly #byType = new Map<
    string,
    { readonly responses: Counter; readonly bytes: Counter; readonly nacks: Counter }
  >();

  constructor(counters: Counters = new Counters()) {
    this.counters = counters;
    this.streams = counters.gauge('weft_xds_streams');
    this.proxies = counters.gauge('weft_xds_proxies');
    this.requests = counters.counter('weft_xds_requests_total');
    this.staleNonces = counters.counter('weft_xds_stale_nonces_total');
    this.throttled = counters.counter('weft_xds_streams_throttled_total');
    this.waiting = counters.gauge('weft_xds_first_syncs_waiting');
    this.waited = counters.counter('weft_xds_first_syncs_waited_total');
    this.quarantined = counters.gauge('weft_xds_quarantined_resources');
    this.framings = counters.gauge('weft_xds_framings');
    for (const reason of Object.keys(STREAM_ENDINGS)) this.#ended(reason);
  }

  /** Counts it; the status is for the client. */
  end(reason: StreamEnding, message: string): RpcStatus {
    this.#ended(reason).add(1);
    return { code: STREAM_ENDINGS[reason], message };
  }

  ended(reason: StreamEnding): number {
    return this.#ended(reason).value;
  }

  sent(type: string, bytes: number): void {
    const series = this.#ofType(type);
    series.responses.add(1);
    series.bytes.add(bytes);
  }

  refused(type: string): void {
    this.#ofType(type).nacks.add(1);
  }

  #ended(reason: string): Counter {
    return this.counters.counter('weft_xds_streams_ended_total', { reason });
  }

  #ofType(typeUrl: string) {
    const type = SERVED.has(typeUrl) ? typeUrl : OTHER;
    let series = this.#byType.get(type);
    if (series === undefined) {
      const labels = { type: shortTypeName(type) };
      series = {
        responses: this.counters.counter('weft_xds_responses_total', labels),
        bytes: this.counters.counter('weft_xds_response_bytes_total', labels),
        nacks: this.counters.counter('weft_xds_refused_resources_total', labels),
      };
      this.#byType.set(type, series);
    }
    return series;
  }
}
