/**
 * CONNECT to a name of the mesh, which leads to an internal listener of this proxy: the connection itself changes hands
 * and goes through that listener's detection, so HTTP in the tunnel is seen as HTTP and costs no extra copy.
 */
import { copyOf } from '../../core/bytes.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import type { Stream } from '../../http/message.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { InternalTargets } from '../cluster/internal-targets.ts';

/** A downstream stream; one whose connection carries nothing else can give the connection away. */
export interface DownstreamStream extends Stream {
  /** Answers 200 to CONNECT; no callback of the stream follows. */
  takeover?(handler: ConnectionHandler): Connection;
}

/** The listener that all endpoints of the cluster lead to, or null when they lead out of this process. */
export function internalListener(cluster: Cluster): string | null {
  const address = cluster.hosts[0]?.endpoint.address;
  return address?.kind === 'internal' ? address.listener : null;
}

/** Null: no such listener, or the stream cannot be taken over; nothing was sent then. */
export function enterInternal(
  listener: string,
  stream: DownstreamStream,
  internals: InternalTargets,
): Connection | null {
  const accept = internals.find(listener);
  if (accept === null || stream.takeover === undefined) return null;
  const between = new Between();
  const connection = stream.takeover(between);
  between.leave(connection, accept(connection));
  return connection;
}

/** Handler for the moment between the two: the listener needs the connection to make the next one. */
class Between implements ConnectionHandler {
  #early: Uint8Array | null = null;
  #reason: string | null = null;

  leave(connection: Connection, next: ConnectionHandler): void {
    connection.handler = next;
    if (this.#reason !== null) next.onClose(this.#reason);
    else if (this.#early !== null) connection.unread(this.#early, 0, this.#early.length);
  }

  onOpen(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const part = copyOf(bytes, start, end);
    this.#early = this.#early === null ? part : Buffer.concat([this.#early, part]);
  }

  onClose(reason: string): void {
    this.#reason = reason;
  }
}
