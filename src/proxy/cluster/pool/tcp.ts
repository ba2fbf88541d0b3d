/**
 * Connections for raw bytes: one upstream connection for each tunnel, never reused. It is a pool in that it counts
 * against the cluster's limits, dials no herd, and can be asked to make no more of the old kind.
 */
import type { Connection } from '../../../core/runtime.ts';
import type { Attempt, Pool, PoolSizes } from '../attempt.ts';
import { ConnectionStream, type StreamOwner } from '../connection-stream.ts';
import type { Ends } from '../announcement.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { Dials, type DialsOwner } from './dials.ts';
import type { PoolHost } from './pool-host.ts';
import { WaitingLine } from './waiting-line.ts';

export class TcpPool implements Pool, StreamOwner, DialsOwner {
  readonly #host: PoolHost;
  readonly #target: EndpointState;
  readonly #dials: Dials;
  readonly #waiting: WaitingLine;
  #busy = 0;

  constructor(host: PoolHost, target: EndpointState, ends: Ends | null = null) {
    this.#host = host;
    this.#target = target;
    this.#dials = new Dials(host, target, this, ends);
    this.#waiting = new WaitingLine(host, this);
  }

  get sizes(): PoolSizes {
    return { idle: 0, busy: this.#busy, connecting: this.#dials.size, pending: this.#waiting.length };
  }

  open(attempt: Attempt): void {
    if (this.#waiting.join(attempt)) this.#dialMore();
  }

  cancel(attempt: Attempt): void {
    if (this.#waiting.leave(attempt)) this.#dials.trim(this.#waiting.length);
  }

  evict(): void {
    this.#waiting.moveAll(`${this.#target.key} is out: ${this.#target.fault || 'it has left'}`);
    this.#dials.trim(this.#waiting.length);
  }

  /** Tunnels are not cut: a relay ends when its ends do. */
  retire(): void {
    this.#dials.trim(0);
    this.#dialMore();
  }

  dialSucceeded(connection: Connection): void {
    const attempt = this.#waiting.next();
    if (attempt === null) {
      this.#host.circuit.connections.give();
      connection.destroy('no longer needed');
      return;
    }
    this.#busy++;
    this.#host.connected(attempt);
    attempt.onStream(new ConnectionStream(connection, attempt, this));
    this.#dialMore();
  }

  dialFailed(reason: string): void {
    const { flag, detail } = this.#host.dialFailure(this.#target.key, reason);
    const first = this.#waiting.next();
    if (first !== null) this.#host.refuse(first, flag, detail);
    if (this.#dials.size === 0) this.#waiting.moveAll(detail);
    this.#dialMore();
  }

  closed(): void {
    this.#busy--;
    this.#host.circuit.connections.give();
    this.#dialMore();
  }

  /** A dial for each that waits. Nothing comes back to be used again: where no dial may be made, nobody need wait. */
  #dialMore(): void {
    if (this.#waiting.length === 0) return;
    this.#dials.want(this.#waiting.length, this.#busy);
    const { circuit } = this.#host;
    while (this.#dials.size === 0) {
      const attempt = this.#waiting.next();
      if (attempt === null) return;
      this.#host.refuse(attempt, 'UO', circuit.describe(circuit.connections));
    }
  }
}
