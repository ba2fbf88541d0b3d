/**
 * Connections for raw bytes: one upstream connection for each tunnel, never reused. It is a pool in that it counts
 * against the cluster's limits and can be asked to make no more of the old kind.
 */
import type { Connection } from '../../../core/runtime.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import { ConnectionStream, type StreamOwner } from '../connection-stream.ts';
import { Dial, type DialOwner } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import type { PoolHost } from './pool-host.ts';

export class TcpPool implements Pool, StreamOwner {
  readonly host: PoolHost;
  readonly target: EndpointState;
  readonly #openings = new Set<TunnelOpening>();
  #busy = 0;

  constructor(host: PoolHost, target: EndpointState) {
    this.host = host;
    this.target = target;
  }

  get sizes(): PoolSizes {
    return { idle: 0, busy: this.#busy, connecting: this.#openings.size, pending: 0 };
  }

  open(attempt: Attempt): void {
    const { circuit, config } = this.host;
    if (!circuit.take(circuit.connections)) {
      this.host.refuse(attempt, 'UO', circuit.describe(circuit.connections));
      return;
    }
    const opening = new TunnelOpening(this, attempt);
    attempt.waitsIn = this;
    this.#openings.add(opening);
    opening.dial.start(config.connectTimeoutMs);
  }

  cancel(attempt: Attempt): void {
    for (const opening of this.#openings) {
      if (opening.attempt !== attempt) continue;
      this.#openings.delete(opening);
      attempt.waitsIn = null;
      opening.dial.cancel();
      this.host.circuit.connections.give();
    }
  }

  /** Tunnels are not cut: a relay ends when its ends do. */
  retire(): void {}

  opened(opening: TunnelOpening, connection: Connection): void {
    this.#openings.delete(opening);
    this.#busy++;
    const { attempt } = opening;
    attempt.waitsIn = null;
    attempt.onStream(new ConnectionStream(connection, attempt, this));
  }

  failed(opening: TunnelOpening, reason: string): void {
    this.#openings.delete(opening);
    this.host.circuit.connections.give();
    opening.attempt.waitsIn = null;
    const { flag, detail } = this.host.dialFailure(this.target.key, reason);
    this.host.refuse(opening.attempt, flag, detail);
  }

  closed(): void {
    this.#busy--;
    this.host.circuit.connections.give();
  }
}

class TunnelOpening implements DialOwner {
  readonly attempt: Attempt;
  readonly dial: Dial;
  readonly #pool: TcpPool;

  constructor(pool: TcpPool, attempt: Attempt) {
    this.#pool = pool;
    this.attempt = attempt;
    this.dial = new Dial(pool.host.dialer, this, pool.target);
  }

  dialed(_dial: Dial, connection: Connection): void {
    this.#pool.opened(this, connection);
  }

  dialFailed(_dial: Dial, reason: string): void {
    this.#pool.failed(this, reason);
  }
}
