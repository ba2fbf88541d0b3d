/**
 * What is counted for one arrow of the mesh, source → destination, as one of its two ends sees it. An edge is looked up
 * once per connection or cluster and then counts by index: nothing on the request path builds a label.
 */
import type { Counter, Counters } from '../../core/counters.ts';
import { Histogram } from '../../core/histogram.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { isGrpcFailure } from '../../http/grpc/status.ts';

export type Direction = 'inbound' | 'outbound';

/** Flags that say that the caller went away or that we were told to refuse, not that something failed. */
const NOT_FAILURES: ReadonlySet<ResponseFlag> = new Set(['', 'DC', 'RL', 'UAEX', 'NR', 'DPE', 'SI', 'DI']);

/** A server may answer with any status: beyond these, statuses of an edge count under their class, 299 as 200. */
const MAX_OUTCOMES = 32;

interface OutcomeSeries {
  readonly status: number;
  readonly flag: ResponseFlag;
  readonly grpcStatus: number;
  readonly counter: Counter;
}

export class Edge {
  readonly direction: Direction;
  readonly source: string;
  readonly destination: string;
  readonly mtls: boolean;
  /** Ends of requests, in ms. */
  readonly duration = new Histogram();
  readonly #counters: Counters;
  readonly #tcpOpened: Counter;
  readonly #tcpReceived: Counter;
  readonly #tcpSent: Counter;
  /** A handful: one for each triple of status, flag and gRPC status that was seen, the latest hit first in line. */
  readonly #outcomes: OutcomeSeries[] = [];
  #requests = 0;
  #failures = 0;

  constructor(counters: Counters, direction: Direction, source: string, destination: string, mtls: boolean) {
    this.#counters = counters;
    this.direction = direction;
    this.source = source;
    this.destination = destination;
    this.mtls = mtls;
    const labels = this.labels();
    this.#tcpOpened = counters.counter('weft_tcp_connections_total', labels);
    this.#tcpReceived = counters.counter('weft_tcp_bytes_total', { ...labels, way: 'received' });
    this.#tcpSent = counters.counter('weft_tcp_bytes_total', { ...labels, way: 'sent' });
  }

  get requests(): number {
    return this.#requests;
  }

  /**
   * Responses of 500 and above, gRPC statuses that blame the callee (`isGrpcFailure`), and exchanges that ended without one for a reason that is not the caller's.
   */
  get failures(): number {
    return this.#failures;
  }

  get tcpConnections(): number {
    return this.#tcpOpened.value;
  }

  get tcpBytes(): number {
    return this.#tcpReceived.value + this.#tcpSent.value;
  }

  labels(): Record<string, string> {
    const { direction, source, destination, mtls } = this;
    return { direction, source, destination, mtls: mtls ? 'yes' : 'no' };
  }

  /** `status` 0: the exchange ended without a response. `grpcStatus` -1: no gRPC call, or it ended without. */
  countRequest(status: number, flag: ResponseFlag, durationMs: number, grpcStatus = -1): void {
    this.#requests++;
    if (grpcStatus >= 0) {
      if (isGrpcFailure(grpcStatus)) this.#failures++;
    } else if (status >= 500 || (status === 0 && !NOT_FAILURES.has(flag))) this.#failures++;
    this.duration.record(durationMs);
    this.#outcome(status, flag, grpcStatus).add(1);
  }

  countConnection(): void {
    this.#tcpOpened.add(1);
  }

  countBytes(received: number, sent: number): void {
    this.#tcpReceived.add(received);
    this.#tcpSent.add(sent);
  }

  #outcome(status: number, flag: ResponseFlag, grpcStatus: number): Counter {
    const known = this.#outcomes;
    for (let i = 0; i < known.length; i++) {
      const series = known[i] as OutcomeSeries; // i < length
      if (series.status !== status || series.flag !== flag || series.grpcStatus !== grpcStatus) continue;
      if (i > 0) {
        known[i] = known[0] as OutcomeSeries; // not empty: i > 0
        known[0] = series;
      }
      return series.counter;
    }
    if (known.length >= MAX_OUTCOMES && status % 100 !== 0) {
      return this.#outcome(status - (status % 100), flag, grpcStatus);
    }
    const labels = { ...this.labels(), code: String(status), flag };
    const grpc = grpcStatus >= 0 ? { grpc_status: String(grpcStatus) } : {};
    const counter = this.#counters.counter('weft_requests_total', { ...labels, ...grpc });
    known.unshift({ status, flag, grpcStatus, counter });
    return counter;
  }
}
