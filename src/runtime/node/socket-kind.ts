/** The kinds of connections that can stand on one socket, and the public one. */
import { connect as netConnect, Socket, type SocketConstructorOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionContext } from '../../core/base-connection.ts';
import type { Address, ConnectionHandler, ConnectionInfo, SocketOptions } from '../../core/runtime.ts';
import { sourceFor } from '../../core/source-address.ts';
import { isUnixPath } from '../../core/unix-path.ts';
import type { SocketConnection } from './connection.ts';
import { placeOf } from './socket-address.ts';
import { StreamConnection } from './stream-connection.ts';

export interface SocketKind {
  make(context: ConnectionContext, info: ConnectionInfo, handler: ConnectionHandler): SocketConnection;
  /** Attaches an accepted socket, of which nothing was read. */
  accepted(connection: SocketConnection, socket: Socket): void;
  /** Begins to connect and attaches what it returns. */
  connecting(connection: SocketConnection, to: Address, how: SocketOptions | undefined): Socket;
  /** Attaches a socket that is through its handshake, over this TCP socket. */
  secured(connection: SocketConnection, socket: TLSSocket, transport: Socket): void;
}

const CONNECT_OPTIONS = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false } as const;

const READ_BYTES = 65_536;

/** Shared by all plain connections of the process: a read and its handler are one synchronous step. */
const readBuffer = new Uint8Array(new ArrayBuffer(READ_BYTES));

/** Below 'data' events: plain sockets read into one static buffer (`onread`), so that a read allocates nothing. */
export const streamKind: SocketKind = {
  make: (context, info, handler) => new StreamConnection(context, info, handler),
  accepted: (connection, socket) => connection.attach(onItsOwn(socket, readInto(connection)), false),
  connecting(connection, to, how) {
    const socket = netConnect({ ...connectOptions(to, how), onread: readInto(connection) });
    connection.attach(socket, true);
    return socket;
  },
  secured(connection, socket, transport) {
    socket.on('data', (bytes: Buffer) => connection.received(bytes, 0, bytes.length));
    connection.attach(socket, false, transport);
  },
};

export function connectOptions(to: Address, how: SocketOptions | undefined) {
  const options = { ...placeOf(to), ...CONNECT_OPTIONS };
  const source = sourceFor(to, how);
  if (source === null || isUnixPath(to.host)) return options;
  return { ...options, localAddress: source.host, ...(source.port === 0 ? {} : { localPort: source.port }) };
}

/**
 * `createServer` has no `onread` option, and its `close` waits for what it accepted. The public constructor takes a
 * handle, so the accepted socket gives up its own and is destroyed without it.
 */
export function onItsOwn(accepted: Socket, onread?: ReturnType<typeof readInto>): Socket {
  const owner = accepted as unknown as { _handle: object | null };
  const handle = owner._handle;
  if (handle === null || handle === undefined) return accepted;
  owner._handle = null;
  accepted.destroy();
  const options = { handle, allowHalfOpen: true, pauseOnCreate: true, noDelay: true, onread };
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
