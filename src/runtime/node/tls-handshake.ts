/**
 * A TLS handshake over a connected (or connecting) socket, with everything verified before anybody sees a byte: chain,
 * protocol, peer. Connections and RPC sessions both begin here.
 */
import { isIP, type Socket } from 'node:net';
import { connect, type Server, type TLSSocket } from 'node:tls';
import { messageOf } from '../../core/errors.ts';
import type { Address, PeerCertificate, TlsOptions, TlsInfo } from '../../core/runtime.ts';
import { readPeerCertificate } from '../peer-certificate.ts';
import { EXPIRED, NO_CERTIFICATE, NO_COMMON_PROTOCOL, NO_TRUST_BUNDLE, tlsReason } from '../tls-reason.ts';
import { nodeClock } from './clock.ts';
import { remoteOf } from './socket-address.ts';
import { codeOf, reasonOf } from './socket-error.ts';
import { clientContext, tlsServer } from './tls-contexts.ts';
import { type KeptSession, keepSession, sessionFor, sessionKey } from './tls-sessions.ts';

export interface Handshake {
  /** Nothing was read from it yet, and it is paused. */
  onSecured(socket: TLSSocket, tls: TlsInfo): void;
  /** `tls: …`, or `connect: …` when the socket never opened. The socket is destroyed. */
  onRefused(reason: string): void;
}

/**
 * Takes the socket over. One of the two callbacks follows, once, on a later turn; none after the returned abort.
 * `destination`: of a client that may resume an earlier session with it; null: always a full handshake.
 */
export function beginHandshake(
  socket: Socket,
  tls: TlsOptions,
  handshake: Handshake,
  destination: Address | null = null,
): () => void {
  const pending = new Pending(socket, tls, handshake);
  try {
    if (tls.role === 'server') beginServer(pending);
    else beginClient(pending, destination);
  } catch (error) {
    // PEM that OpenSSL cannot use. Its text names no key material.
    setImmediate(() => pending.refuse(tlsReason(`unusable identity: ${messageOf(error)}`)));
  }
  return () => pending.abort();
}

class Pending {
  readonly socket: Socket;
  readonly tls: TlsOptions;
  /** A client's: what it offers to resume. */
  offered: KeptSession | null = null;
  readonly #allowHalfOpen: boolean;
  #handshake: Handshake | null;

  constructor(socket: Socket, tls: TlsOptions, handshake: Handshake) {
    this.socket = socket;
    this.#allowHalfOpen = socket.allowHalfOpen;
    this.tls = tls;
    this.#handshake = handshake;
  }

  abort(): void {
    this.#handshake = null;
    this.socket.on('error', ignore);
    this.socket.destroy();
  }

  refuse(reason: string): void {
    const handshake = this.#handshake;
    this.abort();
    handshake?.onRefused(reason);
  }

  /** The chain is verified by OpenSSL; what is left is what it does not know of. Returns the peer that was let in. */
  finish(socket: TLSSocket): PeerCertificate | null {
    const handshake = this.#handshake;
    if (handshake === null) return null;
    let peer: PeerCertificate | null = null;
    let refusal: string | null;
    try {
      const certificate = socket.getPeerX509Certificate();
      if (certificate !== undefined) peer = readPeerCertificate(certificate, this.tls.wantsKeyDigest);
      // Node shows a client no certificate then, and a server the one in the ticket.
      else if (socket.isSessionReused()) peer = this.offered?.peer ?? null;
      refusal = refusalOf(socket, this.tls, peer);
    } catch (error) {
      refusal = messageOf(error);
    }
    if (refusal !== null) {
      socket.on('error', ignore);
      this.refuse(tlsReason(refusal));
      return null;
    }
    this.#handshake = null;
    socket.allowHalfOpen = this.#allowHalfOpen;
    socket.pause();
    const serverName = typeof socket.servername === 'string' ? socket.servername : (this.tls.serverName ?? '');
    const { name: cipher } = socket.getCipher();
    const version = socket.getProtocol() ?? '';
    handshake.onSecured(socket, { alpn: socket.alpnProtocol || '', serverName, peer, version, cipher });
    return peer;
  }
}

function refusalOf(socket: TLSSocket, tls: TlsOptions, peer: PeerCertificate | null): string | null {
  const trusting = tls.identity.trustBundlePem !== '';
  if (peer !== null && trusting && !socket.authorized) return codeOf({ code: socket.authorizationError });
  // OpenSSL looks at dates in a full handshake only.
  if (peer !== null && socket.isSessionReused() && peer.notAfter <= nodeClock.wall()) return EXPIRED;
  if (peer === null && (tls.requirePeerCertificate || tls.role === 'client')) return NO_CERTIFICATE;
  const agreed = socket.alpnProtocol || '';
  const isFree = tls.alpn.length === 0 || (agreed === '' && tls.alpnOptional === true);
  if (!isFree && !tls.alpn.includes(agreed)) return NO_COMMON_PROTOCOL;
  return peer !== null && tls.verifyPeer !== null ? tls.verifyPeer(peer) : null;
}

function beginClient(pending: Pending, destination: Address | null): void {
  const { socket, tls } = pending;
  // Of a server that is not verified there is nobody to remember.
  const key = destination === null || tls.identity.trustBundlePem === '' ? null : sessionKey(destination, tls);
  pending.offered = key === null ? null : sessionFor(tls.identity, key, nodeClock.wall());
  const connecting = socket.connecting;
  const remote = remoteOf(socket);
  const secured = connect({
    socket,
    secureContext: clientContext(tls.identity),
    // Identities are URIs, not host names: verifyPeer replaces the check of names, not that of the chain.
    checkServerIdentity: () => undefined,
    rejectUnauthorized: tls.identity.trustBundlePem !== '',
    ...(tls.alpn.length > 0 ? { ALPNProtocols: [...tls.alpn] } : {}),
    ...(tls.serverName !== null && isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    ...(pending.offered === null ? {} : { session: pending.offered.ticket }),
  });
  const failed = (error: unknown): void => {
    const never = connecting && (error as { syscall?: unknown }).syscall === 'connect';
    pending.refuse(never ? reasonOf(error, addressIn(error) ?? remote, true) : tlsReason(codeOf(error)));
  };
  const closed = (): void => pending.refuse(tlsReason('ECONNRESET'));
  secured.once('error', failed);
  secured.once('close', closed);
  secured.once('secureConnect', () => {
    secured.off('error', failed);
    secured.off('close', closed);
    const peer = pending.finish(secured);
    if (key === null || peer === null) return;
    secured.once('session', (ticket) => keepSession(tls.identity, key, { ticket, peer }));
  });
}

function addressIn(error: unknown): { host: string; port: number } | null {
  const { address, port } = error as { address?: unknown; port?: unknown };
  return typeof address === 'string' && typeof port === 'number' ? { host: address, port } : null;
}

/** Which handshake a server's event is about, by the socket that was given to it. */
const pendingBySocket = new WeakMap<Socket, Pending>();

function beginServer(pending: Pending): void {
  const { socket, tls } = pending;
  if (tls.requirePeerCertificate && tls.identity.trustBundlePem === '') {
    setImmediate(() => pending.refuse(tlsReason(NO_TRUST_BUNDLE)));
    return;
  }
  const server = tlsServer(tls, listenToServer);
  pendingBySocket.set(socket, pending);
  // A peer that leaves during the handshake would otherwise be waited for until the timeout.
  socket.allowHalfOpen = false;
  // Not `new TLSSocket`: only a Server's sockets enforce rejectUnauthorized.
  server.emit('connection', socket);
}

function listenToServer(server: Server): void {
  server.on('secureConnection', (secured) => {
    const pending = takePending(secured);
    if (pending === null) secured.destroy();
    else pending.finish(secured);
  });
  server.on('tlsClientError', (error, secured) => {
    takePending(secured)?.refuse(
      tlsReason(secured.authorizationError ? codeOf({ code: secured.authorizationError }) : codeOf(error)),
    );
  });
}

/** The socket under a TLSSocket has no public name; it has had this one since Node 0.12. Without it all is refused. */
function takePending(secured: TLSSocket): Pending | null {
  const socket = (secured as unknown as { _parent?: Socket })._parent;
  if (socket === undefined) return null;
  const pending = pendingBySocket.get(socket) ?? null;
  pendingBySocket.delete(socket);
  return pending;
}

function ignore(): void {}
