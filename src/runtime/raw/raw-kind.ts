/** Connections on the handles below Node's streams, where those are what they were when we looked. */
import { connect as netConnect } from 'node:net';
import { CHUNK_BYTES } from '../../core/chunk-pool.ts';
import { connectOptions, onItsOwn, type SocketKind } from '../node/socket-kind.ts';
import { RawConnection, WriteRequests } from './raw-connection.ts';
import { findStreamInternals } from './stream-handle.ts';

/**
 * `maxTlsWriteBytes`: Node's TLS keeps a buffer as large as the largest write that it was given, from 16 KiB on and for as
 * long as the connection lives (TLSWrap, `set_allocate_tls_hint`). By default a whole chunk, as is best for bulk.
 *
 * Null: this Node has other internals, or keeps them to itself; the public streams serve then.
 */
export function rawKind(maxTlsWriteBytes = CHUNK_BYTES): SocketKind | null {
  const internals = findStreamInternals();
  if (internals === null) return null;
  const requests = new WriteRequests(internals);
  return {
    make: (context, info, handler) => new RawConnection(internals, requests, context, info, handler, maxTlsWriteBytes),
    accepted: (connection, socket) => connection.attach(onItsOwn(socket), false),
    connecting(connection, to, how) {
      const socket = netConnect(connectOptions(to, how));
      connection.attach(socket, true);
      return socket;
    },
    secured: (connection, socket, transport) => connection.attach(socket, false, transport),
  };
}
