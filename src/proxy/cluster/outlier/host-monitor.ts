/**
 * What outlier detection remembers of one host: failures in a row, rates of the current interval, and how often it was
 * ejected. Counting costs a request a few additions; what follows from a count is the detector's to decide.
 */
import type { OutlierConfig } from '../../../snapshot/outlier-config.ts';
import type { OutlierCause } from './ejection-cause.ts';

export interface Ejection {
  readonly cause: OutlierCause;
  /** `Clock.now()`. */
  readonly until: number;
}

export interface MonitorOwner {
  /** So many failures of this kind came in a row. */
  reached(monitor: HostMonitor, cause: OutlierCause): void;
  /** There is something to look at when the interval ends. */
  noted(): void;
}

/** gRPC statuses that a server means as its own failure (Envoy: `grpcToHttpStatus` gives a 5xx). */
const GRPC_FAILURES = new Set([2, 4, 12, 13, 14, 15]);
/** DEADLINE_EXCEEDED is a 504, UNAVAILABLE a 503. */
const GRPC_GATEWAY = new Set([4, 14]);

export class HostMonitor {
  config: OutlierConfig;
  ejection: Ejection | null = null;
  /** How many times the base time the next ejection lasts, less one; falls by one with each interval in service. */
  backOff = 0;
  /** Of the interval that runs. */
  requests = 0;
  failures = 0;
  localRequests = 0;
  localFailures = 0;
  readonly #owner: MonitorOwner;
  #row5xx = 0;
  #rowGateway = 0;
  #rowLocal = 0;

  constructor(config: OutlierConfig, owner: MonitorOwner) {
    this.config = config;
    this.#owner = owner;
  }

  response(status: number): void {
    if (status < 500) this.succeeded();
    else this.#failed(status >= 502 && status <= 504);
  }

  grpcStatus(status: number): void {
    if (GRPC_FAILURES.has(status)) this.#failed(GRPC_GATEWAY.has(status));
    else this.succeeded();
  }

  /** A response that is no failure, or a connection for raw bytes. */
  succeeded(): void {
    this.#row5xx = 0;
    this.#rowGateway = 0;
    this.#answered();
  }

  /** No response: the connect failed, the stream was reset, time ran out. */
  failedLocally(): void {
    this.#owner.noted();
    const { splitLocalOrigin, consecutiveLocalOrigin } = this.config;
    if (!splitLocalOrigin) return this.#failed(true);
    this.localRequests++;
    this.localFailures++;
    if (++this.#rowLocal !== consecutiveLocalOrigin.count) return;
    this.#rowLocal = 0;
    this.#owner.reached(this, 'consecutive-local-origin');
  }

  /** A new interval. */
  startInterval(): void {
    this.requests = 0;
    this.failures = 0;
    this.localRequests = 0;
    this.localFailures = 0;
  }

  /** What it did before its ejection is paid for. */
  forget(): void {
    this.#row5xx = 0;
    this.#rowGateway = 0;
    this.#rowLocal = 0;
  }

  #answered(): void {
    this.requests++;
    this.#rowLocal = 0;
    if (this.config.splitLocalOrigin) this.localRequests++;
    this.#owner.noted();
  }

  #failed(isGateway: boolean): void {
    this.#answered();
    this.failures++;
    const { consecutive5xx, consecutiveGateway } = this.config;
    if (!isGateway) this.#rowGateway = 0;
    else if (++this.#rowGateway === consecutiveGateway.count) {
      this.#rowGateway = 0;
      this.#owner.reached(this, 'consecutive-gateway');
    }
    if (++this.#row5xx !== consecutive5xx.count) return;
    this.#row5xx = 0;
    this.#owner.reached(this, 'consecutive-5xx');
  }
}
