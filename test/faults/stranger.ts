/** A client that is no sidecar: it comes to an inbound port with whatever it has, sends a request and tells what it got. */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TlsIdentity } from '../../src/core/runtime.ts';
import type { Address } from './shop.ts';

const LIMIT_MS = 5_000;
const REQUEST = 'GET /stranger HTTP/1.1\r\nhost: catalog\r\nconnection: close\r\n\r\n';

export interface StrangerTls {
  readonly identity: TlsIdentity;
  readonly alpn: readonly string[];
  readonly serverName: string;
}

/** The bytes that came back until the connection ended; none when it was refused. */
export function askAsStranger({ host, port }: Address, tls: StrangerTls | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls === null ? connectTcp(port, host) : connectWith(tls, host, port);
    let text = '';
    socket.setTimeout(LIMIT_MS, () => {
      socket.destroy();
      reject(new Error(`neither answered nor refused within ${LIMIT_MS} ms`));
    });
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    // A refusal may be an alert or a reset; what counts is that nothing came.
    socket.on('error', () => {});
    socket.on('close', () => resolve(text));
    socket.on(tls === null ? 'connect' : 'secureConnect', () => socket.write(REQUEST));
  });
}

function connectWith({ identity, alpn, serverName }: StrangerTls, host: string, port: number): Socket {
  const { certificateChainPem, privateKeyPem, trustBundlePem } = identity;
  return connectTls({
    host,
    port,
    servername: serverName,
    ALPNProtocols: [...alpn],
    ca: trustBundlePem,
    ...(certificateChainPem === '' ? {} : { cert: certificateChainPem, key: privateKeyPem }),
    checkServerIdentity: () => undefined,
  });
}
