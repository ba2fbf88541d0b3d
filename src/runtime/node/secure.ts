/** The plaintext side of a connection: takes the socket of a plain one and hands it to the handshake. */
import { WeftError } from '../../core/errors.ts';
import type { Connection, ConnectionHandler, TlsOptions } from '../../core/runtime.ts';
import { CLOSED_IN_HANDSHAKE, tlsReason } from '../tls-reason.ts';
import type { ConnectionContext } from '../../core/base-connection.ts';
import { SocketConnection } from './connection.ts';
import { localOf } from './socket-address.ts';
import type { SocketKind } from './socket-kind.ts';
import { beginHandshake, type Handshake } from './tls-handshake.ts';

export function secureConnection(
  context: ConnectionContext,
  kind: SocketKind,
  plain: Connection,
  tls: TlsOptions,
  handler: ConnectionHandler,
): Connection {
  if (!(plain instanceof SocketConnection)) {
    throw new WeftError('unsupported', { what: 'TLS needs a connection of the same runtime' });
  }
  const secured = kind.make(context, plain.info, handler);
  const socket = plain.release();
  if (socket === null) {
    context.turn.after(() => secured.destroy(tlsReason(CLOSED_IN_HANDSHAKE)));
    return secured;
  }
  const { remote } = plain.info;
  const callbacks: Handshake = {
    onSecured(tlsSocket, facts) {
      kind.secured(secured, tlsSocket, socket);
      // What an accepted connection is called by then is not the kernel's to say alone.
      const ends = tls.role === 'server' ? plain.info : { local: localOf(tlsSocket), remote };
      secured.opened({ ...ends, tls: facts });
    },
    onRefused: (reason) => secured.destroy(reason),
  };
  secured.attachLater(beginHandshake(socket, tls, callbacks, tls.role === 'client' ? remote : null));
  return secured;
}
