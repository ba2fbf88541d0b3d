/**
 * TCP on `node:net`, below its 'data' events: every plain socket reads into one static buffer (`onread`), so that a
 * read allocates nothing and the bytes are lent to the handler for the length of the call.
 */
import { connect as netConnect, createServer, Socket, type SocketConstructorOpts } from 'node:net';
import type { Log } from '../../core/log.ts';
import type { Address, Connection, ConnectionHandler, ConnectionInfo, Listener, Net } from '../../core/runtime.ts';
import type { ConnectionContext } from '../../core/base-connection.ts';
import { SocketConnection } from './connection.ts';
import { bindDatagram } from './datagram.ts';
import { resolveName } from './resolve.ts';
import { secureConnection } from './secure.ts';
import { localOf, remoteOf, UNKNOWN_ADDRESS } from './socket-address.ts';
import { bindError, codeOf } from './socket-error.ts';

const READ_BYTES = 65_536;
const ACCEPT_BACKLOG = 4096;

export function createNodeNet(context: ConnectionContext, log: Log): Net {
  return {
    listen: (at, accept) => listen(context, log, at, accept),
    connect: (to, handler) => connect(context, to, handler),
    secure: (connection, tls, handler) => secureConnection(context, connection, tls, handler),
    resolve: resolveName,
    bindDatagram,
  };
}

/** Shared by all plain connections of the process: a read and its handler are one synchronous step. */
const readBuffer = new Uint8Array(new ArrayBuffer(READ_BYTES));

function listen(
  context: ConnectionContext,
  log: Log,
  at: Address,
  accept: (connection: Connection) => ConnectionHandler,
): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (accepted) => {
      const info = { local: localOf(accepted), remote: remoteOf(accepted), tls: null };
      acceptSocket(context, accepted, info, accept);
    });
    server.once('error', (error) => reject(bindError(error, at)));
    server.listen({ host: at.host, port: at.port, backlog: ACCEPT_BACKLOG, exclusive: true }, () => {
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
  accepted: Socket,
  info: ConnectionInfo,
  accept: (connection: Connection) => ConnectionHandler,
): void {
  const connection = new SocketConnection(context, info, NO_HANDLER);
  const socket = withStaticBuffer(accepted, connection);
  connection.attach(socket, false);
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

/**
 * `createServer` has no `onread` option. The public constructor takes a handle, so the accepted socket gives up its own
 * and is destroyed without it, which also keeps the server's count of connections right.
 */
function withStaticBuffer(accepted: Socket, connection: SocketConnection): Socket {
  const owner = accepted as unknown as { _handle: object | null };
  const handle = owner._handle;
  if (handle === null || handle === undefined) return accepted;
  owner._handle = null;
  accepted.destroy();
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, noDelay: true, onread: readInto(connection) };
  // The types of `handle` name only bound sockets; `pauseOnCreate` they do not know.
  return new Socket(options as SocketConstructorOpts);
}

function readInto(connection: SocketConnection): { buffer: Uint8Array; callback: (bytes: number) => boolean } {
  return {
    buffer: readBuffer,
    callback: (bytes) => {
      connection.received(readBuffer, 0, bytes);
      return true;
    },
  };
}

function connect(context: ConnectionContext, to: Address, handler: ConnectionHandler): Connection {
  const connection = new SocketConnection(context, { local: UNKNOWN_ADDRESS, remote: to, tls: null }, handler);
  const socket = netConnect({
    host: to.host,
    port: to.port,
    allowHalfOpen: true,
    noDelay: true,
    autoSelectFamily: false,
    onread: readInto(connection),
  });
  connection.attach(socket, true);
  socket.once('connect', () => {
    if (!connection.closed) connection.opened({ local: localOf(socket), remote: to, tls: null });
  });
  return connection;
}

const NO_HANDLER: ConnectionHandler = {
  onOpen() {},
  onBytes() {},
  onDrained() {},
  onEnd() {},
  onClose() {},
};
