/** UDP sockets: for DNS. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { copyOf, EMPTY_BYTES } from '../../core/bytes.ts';
import type { Address, DatagramSocket } from '../../core/runtime.ts';
import { bindError } from './socket-error.ts';

export function bindDatagram(
  at: Address,
  onDatagram: (bytes: Uint8Array, from: Address) => void,
): Promise<DatagramSocket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(at.host) ? 'udp6' : 'udp4');
    let closed = false;
    socket.once('error', (error) => reject(bindError(error, at)));
    socket.on('message', (bytes, from) => {
      if (!closed) onDatagram(bytes, { host: from.address, port: from.port });
    });
    socket.bind({ address: at.host, port: at.port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      // An ICMP error about an earlier datagram is no fault of this socket.
      socket.on('error', () => {});
      const bound = socket.address();
      resolve({
        address: { host: bound.address, port: bound.port },
        send(bytes, to) {
          if (closed) return;
          // dgram sends later than this call returns, and the bytes are borrowed.
          socket.send(bytes.length === 0 ? EMPTY_BYTES : copyOf(bytes), to.port, to.host, () => {});
        },
        close() {
          if (closed) return Promise.resolve();
          closed = true;
          return new Promise((done) => socket.close(() => done()));
        },
      });
    });
  });
}
