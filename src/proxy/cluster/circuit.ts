/**
 * The circuit limits of one cluster. They outlive swaps of configuration, because what is in use does; each one that
 * fires is counted under its name.
 */
import { Limit } from '../../core/limit.ts';
import { allowedRetries, type RetryBudget } from '../../snapshot/retry-plan.ts';
import type { CircuitLimits } from '../../snapshot/snapshot.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

export class Circuit implements RetryBudget {
  readonly connections = new Limit('max_connections', 0);
  readonly pending = new Limit('max_pending_requests', 0);
  readonly requests = new Limit('max_requests', 0);
  readonly retries = new Limit('max_retries', 0);
  readonly #telemetry: Telemetry;
  readonly #cluster: string;
  #config: CircuitLimits;

  constructor(cluster: string, config: CircuitLimits, telemetry: Telemetry) {
    this.#cluster = cluster;
    this.#telemetry = telemetry;
    this.#config = config;
    this.configure(config);
  }

  configure(config: CircuitLimits): void {
    this.#config = config;
    this.connections.max = config.maxConnections;
    this.pending.max = config.maxPending;
    this.requests.max = config.maxRequests;
    this.retries.max = config.maxRetries;
  }

  /** Takes one of `limit`, or counts the refusal by name. */
  take(limit: Limit): boolean {
    if (limit.take()) return true;
    this.#telemetry.limit(limit.name, this.#cluster).add(1);
    return false;
  }

  /** A bound below the cluster's own: the protocol's. */
  fired(name: string): void {
    this.#telemetry.limit(name, this.#cluster).add(1);
  }

  /** `first`: an endpoint without any connection may have one beyond the limit, lest others starve it (as Envoy does). */
  takeConnection(first: boolean): boolean {
    const { connections } = this;
    if (!first || connections.used < connections.max) return this.take(connections);
    connections.max = connections.used + 1;
    const taken = this.take(connections);
    connections.max = this.#config.maxConnections;
    return taken;
  }

  /** As `planRetry` asks. */
  get limits(): CircuitLimits {
    return this.#config;
  }

  get active(): number {
    return this.requests.used;
  }

  get activeRetries(): number {
    return this.retries.used;
  }

  /** With a budget, retries may be a share of the requests in flight, but always a minimum (Envoy's RetryBudget). */
  takeRetry(): boolean {
    this.retries.max = allowedRetries(this);
    return this.take(this.retries);
  }

  /** `max_requests of 1024 reached for catalog`, for a response body or a log line. */
  describe(limit: Limit): string {
    return `${limit.name} of ${limit.max} reached for ${this.#cluster}`;
  }
}
