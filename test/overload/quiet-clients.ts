/** Clients that hold connections and do little with them, many at once. */
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { settingsAck, headers, hello } from '../../src/http/h2/test/frames.ts';
import type { Sidecar } from './sidecar.ts';

const HERE = '127.0.0.1';
const AT_ONCE = 100;
const REQUEST = 'GET / HTTP/1.1\r\nhost: app\r\n\r\n';
const ALPN = 'weft-http1';

export interface Quiet {
  readonly sockets: readonly Socket[];
  close(): void;
}

/** Each has asked once and got its answer. */
export function idleHttp1(sidecar: Sidecar, count: number): Promise<Quiet> {
  return gather(count, async () => {
    const socket = await opened(sidecar.port);
    socket.write(REQUEST);
    await heard(socket);
    return socket;
  });
}

/** As sidecars hold them for each other: mTLS, HTTP/2, one request done. */
export function idleInner(sidecar: Sidecar, count: number): Promise<Quiet> {
  const { certificateChainPem: cert, privateKeyPem: key, trustBundlePem: ca } = sidecar.client;
  return gather(count, async () => {
    const socket = connectTls({
      ...{ host: HERE, port: sidecar.innerPort, cert, key, ca },
      ALPNProtocols: [ALPN],
      checkServerIdentity: () => undefined,
    });
    socket.on('error', () => {});
    await new Promise((done, fail) => socket.once('secureConnect', done).once('error', fail));
    socket.write(Buffer.concat([hello(), headers(1), settingsAck]));
    // SETTINGS and WINDOW_UPDATE come first, the answer in a read of its own.
    await heard(socket);
    return socket;
  });
}

/** Connections on which `begin` is sent and nothing is read; the kernel keeps little for them. */
export function stuck(port: number, count: number, begin: string | Uint8Array): Promise<Quiet> {
  return gather(count, async () => {
    const socket = await opened(port);
    socket.pause();
    socket.write(begin);
    return socket;
  });
}

const TICK_MS = 50;

/** Writes a byte of `text` on each every `everyMs`, evenly spread, until `until` says so; who was told off stays away. */
export async function trickle(quiet: Quiet, text: string, everyMs: number, until: () => boolean): Promise<void> {
  const { sockets } = quiet;
  const turns = Math.ceil(everyMs / TICK_MS);
  for (let i = 0; !until(); i++) {
    const byte = text[Math.floor(i / turns) % text.length] ?? '';
    for (let at = i % turns; at < sockets.length; at += turns) {
      const socket = sockets[at];
      if (socket?.writable === true) socket.write(byte, 'latin1');
    }
    await new Promise((done) => setTimeout(done, TICK_MS));
  }
}

async function gather(count: number, open: () => Promise<Socket>): Promise<Quiet> {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Math.min(AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, open))));
  }
  return {
    sockets,
    close: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function opened(port: number): Promise<Socket> {
  const socket = connect({ port, host: HERE });
  socket.on('error', () => {});
  await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
  return socket;
}

function heard(socket: Socket): Promise<void> {
  return new Promise((done, fail) => {
    socket.once('data', () => {
      socket.resume();
      done();
    });
    socket.once('close', () => fail(new Error('closed')));
  });
}
