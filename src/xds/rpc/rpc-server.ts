/**
 * The serving end of RPC on the HTTP/2 that the proxy has anyway: over mTLS for the proxies of a mesh, in clear text for
 * programs beside this one, at a Unix socket or on loopback. Bounded in connections, streams and bytes that wait.
 */
import type { Counter } from '../../core/counters.ts';
import { Limit } from '../../core/limit.ts';
import type { Log, LogFields } from '../../core/log.ts';
import { LogThrottle } from '../../core/log-throttle.ts';
import type { Address, Connection, ConnectionHandler, Listener, RpcAccept, TlsOptions } from '../../core/runtime.ts';
import type { Http2Limits } from '../../http/h2/limits.ts';
import { Http2Server } from '../../http/h2/server.ts';
import { HandshakeQueue, type HandshakeQueueParts } from './handshake-queue.ts';
import { Newcomer } from './newcomer.ts';
import type { RpcParts } from './rpc-call.ts';
import { PeerConnections } from './peer-connections.ts';
import { LOCAL_LIMITS, MESH_LIMITS } from './rpc-limits.ts';
import { ServedCall } from './served-call.ts';

/** One program has one connection, or one for each service that it asks. */
const MAX_LOCAL_CONNECTIONS = 64;
const MAX_MESH_CONNECTIONS = 10_000;

/**
 * In clear text. A longer message than `maxMessageBytes`, default 64 MiB, ends its stream with RESOURCE_EXHAUSTED before
 * it is held. Closing ends the connections too: streams of configuration never end by themselves. Rejects as
 * `Net.listen` does.
 */
export function serveRpc(
  parts: RpcParts,
  log: Log,
  at: Address,
  accept: RpcAccept,
  maxMessageBytes?: number,
): Promise<Listener> {
  const connections = new Limit('rpc.max_local_connections', MAX_LOCAL_CONNECTIONS);
  const server = new RpcServer(parts, log, LOCAL_LIMITS, connections, accept, maxMessageBytes);
  return server.listen(at, (connection) => server.serve(connection));
}

/** Over TLS, which decides who gets in; handshakes are paced. Otherwise as `serveRpc`. */
export function serveMeshRpc(
  parts: RpcParts & HandshakeQueueParts & ServerMetrics,
  log: Log,
  at: Address,
  tls: TlsOptions,
  accept: RpcAccept,
  maxMessageBytes?: number,
): Promise<Listener> {
  const connections = new Limit('rpc.max_connections', MAX_MESH_CONNECTIONS);
  const server = new RpcServer(parts, log, MESH_LIMITS, connections, accept, maxMessageBytes);
  const { net, timers } = parts;
  const queue = new HandshakeQueue(parts);
  return server.listen(at, (plain) => {
    const newcomer = new Newcomer(plain, {
      ...{ net, timers, tls, queue },
      onSecured(secured) {
        server.leave(newcomer);
        server.serve(secured);
      },
      onRefused(reason) {
        server.leave(newcomer);
        server.refuse('RPC connection refused', reason, { remote: plain.info.remote.host, reason });
      },
    });
    server.enter(newcomer);
    return newcomer;
  });
}

/** Unset: counted for nobody. */
export interface ServerMetrics {
  /** Connections that were turned away, by TLS or for being too many. */
  readonly refused?: Counter;
}

/** What is let go of when the server stops. */
interface Held {
  destroy(reason: string): void;
}

class RpcServer {
  readonly #parts: RpcParts & ServerMetrics;
  readonly #log: Log;
  readonly #limits: Http2Limits;
  readonly #connections: Limit;
  readonly #accept: RpcAccept;
  readonly #maxMessageBytes: number | undefined;
  readonly #held = new Set<Held>();
  readonly #peers = new PeerConnections();
  readonly #throttle: LogThrottle;

  constructor(
    parts: RpcParts & ServerMetrics,
    log: Log,
    limits: Http2Limits,
    connections: Limit,
    accept: RpcAccept,
    maxMessageBytes?: number,
  ) {
    this.#parts = parts;
    this.#log = log;
    this.#throttle = new LogThrottle(parts.clock);
    this.#limits = limits;
    this.#connections = connections;
    this.#accept = accept;
    this.#maxMessageBytes = maxMessageBytes;
  }

  async listen(at: Address, begin: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    const listener = await this.#parts.net.listen(at, (connection) => {
      if (this.#connections.used < this.#connections.max) return begin(connection);
      this.#connections.take();
      const { name, max } = this.#connections;
      this.refuse('too many RPC connections', name, { limit: name, max });
      connection.destroy('too many connections');
      return REFUSED;
    });
    return {
      address: listener.address,
      close: async () => {
        const closed = listener.close();
        for (const held of [...this.#held]) held.destroy('the server stops');
        await closed;
      },
    };
  }

  /** Anybody can connect and be refused: counted each time, told once a second for each cause. */
  refuse(message: string, cause: string, fields: LogFields): void {
    this.#parts.refused?.add(1);
    if (this.#throttle.allows(`${message} ${cause}`)) this.#log.warn(message, fields);
  }

  enter(held: Held): void {
    this.#connections.take();
    this.#held.add(held);
  }

  leave(held: Held): void {
    this.#held.delete(held);
    this.#connections.give();
  }

  serve(connection: Connection): ConnectionHandler {
    const { timers, clock } = this.#parts;
    const { info } = connection;
    const peer = info.tls?.peer ?? null;
    if (!this.#peers.enter(peer)) {
      const name = peer?.commonName ?? '';
      this.refuse('too many RPC connections of one peer', name, { peer: name, max: this.#peers.max });
      connection.handler = REFUSED;
      connection.destroy('too many connections');
      return REFUSED;
    }
    this.enter(connection);
    return new Http2Server(connection, {
      limits: this.#limits,
      timers,
      clock,
      callbacks: {
        open: (stream) => new ServedCall(stream, info, this.#accept, this.#maxMessageBytes),
        onRefused: (status, detail) => this.#log.debug('an RPC request was refused', { status, detail }),
        onLimit: (limit) => {
          if (this.#throttle.allows(limit)) this.#log.warn('an RPC connection met a bound', { limit });
        },
        onClosed: () => {
          this.leave(connection);
          this.#peers.leave(peer);
        },
      },
    });
  }
}

const REFUSED: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
