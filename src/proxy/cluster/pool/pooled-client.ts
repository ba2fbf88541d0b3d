/** An HTTP/1.1 connection of a pool, with what decides how long it stays there. */
import { Http1Client, type Http1ClientOptions } from '../../../http/h1/client.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';

export class PooledClient extends Http1Client {
  /** `Clock.now()`. */
  readonly openedAt: number;
  idleSince = 0;

  constructor(options: Http1ClientOptions, now: number) {
    super(options);
    this.openedAt = now;
  }

  /** It has carried as many exchanges, or lived as long, as the cluster allows. */
  isSpent(config: ClusterConfig, now: number): boolean {
    const { maxRequestsPerConnection, maxConnectionDurationMs } = config;
    if (maxRequestsPerConnection > 0 && this.exchanges >= maxRequestsPerConnection) return true;
    return maxConnectionDurationMs > 0 && now - this.openedAt >= maxConnectionDurationMs;
  }
}
