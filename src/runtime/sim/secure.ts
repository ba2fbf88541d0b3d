/**
 * Simulated TLS over a simulated connection: the order of a TLS 1.3 handshake with real verification of real
 * certificates, so that what is refused, by whom and when, is as it is in a real process.
 */
import { BaseConnection } from '../../core/base-connection.ts';
import { messageOf, WeftError } from '../../core/errors.ts';
import type { Clock, Connection, ConnectionHandler, PeerCertificate, Random, TlsOptions } from '../../core/runtime.ts';
import {
  CLOSED_IN_HANDSHAKE,
  NEEDS_CERTIFICATE,
  NO_CERTIFICATE,
  NO_COMMON_PROTOCOL,
  NO_TRUST_BUNDLE,
  tlsReason,
} from '../tls-reason.ts';
import { SimConnection } from './connection.ts';
import {
  ALERT,
  APPLICATION,
  clientHello,
  flight,
  HANDSHAKE,
  type Hello,
  MAX_RECORD_BYTES,
  mask,
  readClientHello,
  readFlight,
  record,
  RecordReader,
} from './tls-records.ts';
import { CLIENT_AUTH, SERVER_AUTH, verifyChain } from './verify-chain.ts';

const NOT_TLS = 'peer does not speak TLS';

interface ServerFlight {
  readonly alpn: string;
  readonly chainPem: string;
  readonly wantsCertificate: boolean;
}

interface ClientFlight {
  readonly chainPem: string;
}

interface Alert {
  readonly reason: string;
}

export function secureSimulated(
  plain: Connection,
  tls: TlsOptions,
  handler: ConnectionHandler,
  clock: Clock,
  random: Random,
): Connection {
  if (!(plain instanceof SimConnection)) {
    throw new WeftError('unsupported', { what: 'TLS needs a connection of the same runtime' });
  }
  return new SecuredConnection(plain, tls, handler, clock, random);
}

class SecuredConnection extends BaseConnection {
  readonly #inner: SimConnection;
  readonly #tls: TlsOptions;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #reader = new RecordReader();
  readonly #onRecord = (type: number, payload: Uint8Array): void => this.#record(type, payload);
  #early: Uint8Array[] = [];
  #earlyBytes = 0;
  #open = false;
  /** The peer was told by an alert; the connection below closes by itself. */
  #told = false;
  #hello: Hello | null = null;

  constructor(inner: SimConnection, tls: TlsOptions, handler: ConnectionHandler, clock: Clock, random: Random) {
    super(inner.process.context, inner.info, handler);
    this.#inner = inner;
    this.#tls = tls;
    this.#clock = clock;
    this.#random = random;
    if (inner.closed) {
      this.context.turn.after(() => this.destroy(tlsReason(CLOSED_IN_HANDSHAKE)));
      return;
    }
    inner.taken = true;
    inner.handler = {
      onOpen: () => this.#begin(),
      onBytes: (bytes, start, end) => {
        if (!this.#reader.push(bytes, start, end, this.#onRecord)) this.#refuse(NOT_TLS);
      },
      onDrained: () => {},
      onEnd: () => (this.#open ? this.peerEnded() : this.#refuse(CLOSED_IN_HANDSHAKE)),
      onClose: (reason) => this.#innerClosed(reason),
    };
    inner.onProgress = () => this.settle();
    inner.resume();
    if (inner.isEstablished) this.context.turn.after(() => this.#begin());
  }

  protected override get unsent(): number {
    return this.#earlyBytes + this.#inner.backlog;
  }

  protected override transmit(chunk: Uint8Array, end: number): boolean {
    if (!this.#open) {
      this.#early.push(chunk.slice(0, end));
      this.#earlyBytes += end;
      return false;
    }
    for (let at = 0; at < end; at += MAX_RECORD_BYTES) {
      this.#send(record(APPLICATION, mask(chunk.subarray(at, Math.min(end, at + MAX_RECORD_BYTES)))));
    }
    return false;
  }

  protected override pauseReading(): void {
    if (this.#open) this.#inner.pause();
  }

  protected override resumeReading(): void {
    this.#inner.resume();
  }

  protected override finishWriting(): void {
    if (this.#open) this.#inner.end();
  }

  protected override closeTransport(reason: string): void {
    this.#early = [];
    this.#earlyBytes = 0;
    this.#inner.onProgress = null;
    if (!this.#told) this.#inner.destroy(reason);
  }

  #begin(): void {
    if (this.closed || this.#tls.role === 'server') return;
    const random = new Uint8Array(32);
    this.#random.fill(random);
    this.#send(clientHello({ serverName: this.#tls.serverName ?? '', alpn: this.#tls.alpn }, random));
  }

  #record(type: number, payload: Uint8Array): void {
    if (this.closed) return;
    try {
      if (type === ALERT) this.#refuse((readFlight(payload) as Alert).reason);
      else if (type === APPLICATION) this.#applicationBytes(payload);
      else if (type === HANDSHAKE && !this.#open) this.#handshake(payload);
    } catch (error) {
      this.#refuse(messageOf(error));
    }
  }

  #applicationBytes(payload: Uint8Array): void {
    if (!this.#open) this.#refuse(NOT_TLS);
    else this.received(mask(payload), 0, payload.length);
  }

  #handshake(payload: Uint8Array): void {
    if (this.#tls.role === 'client') this.#onServerFlight(readFlight(payload) as ServerFlight);
    else if (this.#hello === null) this.#onClientHello(payload);
    else this.#onClientFlight(readFlight(payload) as ClientFlight, this.#hello);
  }

  #onClientHello(payload: Uint8Array): void {
    const { alpn, identity, requirePeerCertificate } = this.#tls;
    const hello = readClientHello(payload);
    if (hello === null) return this.#refuse(NOT_TLS);
    if (requirePeerCertificate && identity.trustBundlePem === '') return this.#refuse(NO_TRUST_BUNDLE);
    const protocol = alpn.find((name) => hello.alpn.includes(name)) ?? '';
    if (alpn.length > 0 && protocol === '') return this.#alert(NO_COMMON_PROTOCOL, NO_COMMON_PROTOCOL);
    this.#hello = { serverName: hello.serverName, alpn: [protocol] };
    const answer: ServerFlight = {
      alpn: protocol,
      chainPem: identity.certificateChainPem,
      wantsCertificate: identity.trustBundlePem !== '',
    };
    this.#send(flight(HANDSHAKE, answer));
  }

  #onServerFlight(answer: ServerFlight): void {
    const { alpn, identity, serverName } = this.#tls;
    if (answer.chainPem === '') return this.#refuse(NO_CERTIFICATE);
    const peer = this.#verified(answer.chainPem, SERVER_AUTH);
    if (peer === null) return;
    if (alpn.length > 0 && !alpn.includes(answer.alpn)) return this.#refuse(NO_COMMON_PROTOCOL);
    const own: ClientFlight = { chainPem: answer.wantsCertificate ? identity.certificateChainPem : '' };
    this.#send(flight(HANDSHAKE, own));
    // As in TLS 1.3, the client does not wait to hear what the server thinks of its certificate.
    this.#becomeOpen(answer.alpn, serverName ?? '', peer);
  }

  #onClientFlight({ chainPem }: ClientFlight, hello: Hello): void {
    let peer: PeerCertificate | null = null;
    if (chainPem !== '') {
      peer = this.#verified(chainPem, CLIENT_AUTH);
      if (peer === null) return;
    } else if (this.#tls.requirePeerCertificate) {
      return this.#alert(NO_CERTIFICATE, NEEDS_CERTIFICATE);
    }
    this.#becomeOpen(hello.alpn[0] ?? '', hello.serverName, peer);
  }

  /** Null when the peer was refused. */
  #verified(chainPem: string, usage: string): PeerCertificate | null {
    const { identity, verifyPeer } = this.#tls;
    const { peer, refusal } = verifyChain(chainPem, identity.trustBundlePem, usage, this.#clock.wall());
    const checked = identity.trustBundlePem === '' ? null : refusal;
    const reason = peer === null ? NO_CERTIFICATE : (checked ?? verifyPeer?.(peer) ?? null);
    if (reason === null) return peer;
    this.#refuse(reason);
    return null;
  }

  #becomeOpen(alpn: string, serverName: string, peer: PeerCertificate | null): void {
    this.#open = true;
    const early = this.#early;
    this.#early = [];
    this.#earlyBytes = 0;
    for (const bytes of early) this.transmit(bytes, bytes.length);
    if (this.ended) this.#inner.end();
    this.opened({ ...this.#inner.info, tls: { alpn, serverName, peer } });
    if (this.paused && !this.closed) this.#inner.pause();
  }

  #send(bytes: Uint8Array): void {
    this.#inner.write(bytes, 0, bytes.length);
  }

  #alert(own: string, told: string): void {
    const alert: Alert = { reason: told };
    this.#send(flight(ALERT, alert));
    // Reads on until the peer has gone: a reset would overtake the alert.
    const inner = this.#inner;
    inner.end();
    inner.handler = { ...IGNORE, onEnd: () => inner.destroy('') };
    this.#told = true;
    this.#refuse(own);
  }

  #refuse(reason: string): void {
    this.destroy(tlsReason(reason));
  }

  #innerClosed(reason: string): void {
    if (this.closed) return;
    if (reason.startsWith('connect:') || (this.#open && reason !== '')) this.destroy(reason);
    else if (this.#open) this.transportClosed();
    else this.#refuse(CLOSED_IN_HANDSHAKE);
  }
}

const IGNORE: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };
