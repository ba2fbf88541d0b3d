/**
 * The serving end of RPC on the HTTP/2 that the proxy has anyway, in clear text: for programs beside this one, at a Unix
 * socket or on loopback. Bounded in connections, streams and bytes that wait.
 */
import { Limit } from '../../core/limit.ts';
import type { Log } from '../../core/log.ts';
import type { Address, Connection, ConnectionHandler, Listener, RpcAccept } from '../../core/runtime.ts';
import { Http2Server } from '../../http/h2/server.ts';
import type { RpcParts } from './rpc-call.ts';
import { LOCAL_LIMITS } from './rpc-limits.ts';
import { ServedCall } from './served-call.ts';

/** One program has one connection, or one for each service that it asks. */
const MAX_CONNECTIONS = 64;

/** Closing ends its connections too: streams of configuration never end by themselves. Rejects as `Net.listen` does. */
export async function serveRpc(parts: RpcParts, log: Log, at: Address, accept: RpcAccept): Promise<Listener> {
  const { net, timers, clock } = parts;
  const connections = new Limit('rpc.max_local_connections', MAX_CONNECTIONS);
  const open = new Set<Connection>();
  const listener = await net.listen(at, (connection) => {
    if (!connections.take()) {
      log.warn('too many RPC connections', { limit: connections.name, max: connections.max });
      connection.destroy('too many connections');
      return REFUSED;
    }
    open.add(connection);
    const { remote } = connection.info;
    return new Http2Server(connection, {
      limits: LOCAL_LIMITS,
      timers,
      clock,
      callbacks: {
        open: (stream) => new ServedCall(stream, remote, accept),
        onRefused: (status, detail) => log.debug('an RPC request was refused', { status, detail }),
        onLimit: (name) => log.warn('an RPC connection met a bound', { limit: name }),
        onClosed() {
          open.delete(connection);
          connections.give();
        },
      },
    });
  });
  return {
    address: listener.address,
    async close() {
      const closed = listener.close();
      for (const connection of [...open]) connection.destroy('the server stops');
      await closed;
    },
  };
}

const REFUSED: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
