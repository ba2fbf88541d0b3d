/** TCP on `node:net`: who listens, who connects. What kind of connection stands on a socket is given. */
import { createServer, type Socket } from 'node:net';
import type { Log } from '../../core/log.ts';
import type {
  Address,
  Connection,
  ConnectionHandler,
  ConnectionInfo,
  Listener,
  Net,
  SocketOptions,
  TcpKeepAlive,
} from '../../core/runtime.ts';
import type { ConnectionContext } from '../../core/base-connection.ts';
import { bindDatagram } from './datagram.ts';
import { kernelDestinations } from './original-destination.ts';
import { resolveName } from './resolve.ts';
import { secureConnection } from './secure.ts';
import type { SocketKind } from './socket-kind.ts';
import { keepPrivate, localOf, placeOf, remoteOf, UNKNOWN_ADDRESS } from './socket-address.ts';
import { bindError, codeOf } from './socket-error.ts';

const ACCEPT_BACKLOG = 4096;
/** What Linux does by itself (tcp(7)); Node would set its own where a number is left out. */
const SYSTEM_KEEP_ALIVE: TcpKeepAlive = { idleSeconds: 7_200, intervalSeconds: 75, probes: 9 };

export function createNodeNet(context: ConnectionContext, log: Log, kind: SocketKind): Net {
  return {
    listen: (at, accept) => listen(context, log, kind, at, accept),
    connect: (to, handler, how) => connect(context, kind, to, handler, how),
    secure: (connection, tls, handler) => secureConnection(context, kind, connection, tls, handler),
    originalDestinations: kernelDestinations,
    resolve: resolveName,
    bindDatagram,
  };
}

function listen(
  context: ConnectionContext,
  log: Log,
  kind: SocketKind,
  at: Address,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (accepted) => {
      const info = { local: localOf(accepted), remote: remoteOf(accepted), tls: null };
      acceptSocket(context, kind, accepted, info, accept);
    });
    server.once('error', (error) => reject(bindError(error, at)));
    server.listen({ ...placeOf(at), backlog: ACCEPT_BACKLOG, exclusive: true }, () => {
      keepPrivate(at);
      server.removeAllListeners('error');
      server.on('error', (error) => log.warn('cannot accept a connection', { reason: codeOf(error), port: at.port }));
      const bound = server.address();
      const address = typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : at;
      let closing: Promise<void> | null = null;
      resolve({
        address,
        close: () => (closing ??= new Promise((done) => server.close(() => done()))),
      });
    });
  });
}

function acceptSocket(
  context: ConnectionContext,
  kind: SocketKind,
  accepted: Socket,
  info: ConnectionInfo,
  accept: (connection: Connection) => ConnectionHandler,
): void {
  const connection = kind.make(context, info, NO_HANDLER);
  kind.accepted(connection, accepted);
  try {
    connection.handler = accept(connection);
  } catch (error) {
    connection.destroy('internal: accept failed');
    context.report(error);
    return;
  }
  // A handler may have paused, secured or destroyed it in accept.
  connection.start();
}

function connect(
  context: ConnectionContext,
  kind: SocketKind,
  to: Address,
  handler: ConnectionHandler,
  how: SocketOptions | undefined,
): Connection {
  const connection = kind.make(context, { local: UNKNOWN_ADDRESS, remote: to, tls: null }, handler);
  const socket = kind.connecting(connection, to, how);
  socket.once('connect', () => {
    // Before there is a socket to ask libuv would forget the numbers.
    if (how !== undefined && how.keepAlive !== null) keepAlive(socket, how.keepAlive);
    if (!connection.closed) connection.opened({ local: localOf(socket), remote: to, tls: null });
  });
  return connection;
}

function keepAlive(socket: Socket, { idleSeconds, intervalSeconds, probes }: TcpKeepAlive): void {
  socket.setKeepAlive({
    enable: true,
    initialDelay: (idleSeconds || SYSTEM_KEEP_ALIVE.idleSeconds) * 1000,
    interval: (intervalSeconds || SYSTEM_KEEP_ALIVE.intervalSeconds) * 1000,
    count: probes || SYSTEM_KEEP_ALIVE.probes,
  });
}

const NO_HANDLER: ConnectionHandler = {
  onOpen() {},
  onBytes() {},
  onDrained() {},
  onEnd() {},
  onClose() {},
};
