/**
 * The seam between Weft and the machine: time, chance, network, RPC and files. Everything on the data plane, and
 * `xds/` and `identity/`, reaches the outside through a Runtime, so that the same code runs on virtual time and an
 * in-memory network. Implementations stand in `runtime/`; only `main.ts` files, `cli/`, tests and benchmarks name one.
 */

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly net: Net;
  readonly rpc: RpcCaller;
  readonly files: Files;
  /** Runs once, after every handler of this turn of the event loop. Connections flush here. */
  endOfTurn(run: () => void): void;
  /** Share of the memory ceiling of this process that is in use, 0–1; 0 when it is not known. */
  memoryShare(): number;
  /** CPU that the thread of the event loop has used since an arbitrary start, ms with fractions. */
  cpuMs(): number;
}

/** Of a process that other programs call by RPC: a control plane. */
export interface ServingRuntime extends Runtime {
  readonly rpc: Rpc;
}

export interface Clock {
  /** Monotonic milliseconds since an arbitrary start, with fractions. */
  now(): number;
  /** Milliseconds since the Unix epoch; may jump. */
  wall(): number;
  /** Calls `run` once when `now() >= at`. The returned function cancels it; cancelling twice is harmless. */
  wake(at: number, run: () => void): () => void;
}

export interface Random {
  /** Uniform in [0, 1). Not for secrets. */
  next(): number;
  /** Fills with cryptographically strong bytes (in simulation: seeded ones). */
  fill(bytes: Uint8Array): void;
}

/**
 * `host` is an IP literal, never a name: resolve names with `Net.resolve`. `port` 0 asks `listen` for a free port.
 * For TCP and RPC it may be the absolute path of a Unix socket instead, with port 0 (`unix-path.ts`); a path that is
 * listened on is its owner's alone (0600) and goes with the listener.
 */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Listener {
  /** The bound address, with the real port. */
  readonly address: Address;
  /** Stops accepting; open connections live on. Resolves when the port is free again. */
  close(): Promise<void>;
}

export interface Net {
  /** Rejects with a WeftError `address-in-use` or `io` that names the address. */
  listen(at: Address, accept: (connection: Connection) => ConnectionHandler): Promise<Listener>;
  /** The connection is usable at once: writes wait until it is open. A refusal arrives as `onClose`. `how`: for TCP only. */
  connect(to: Address, handler: ConnectionHandler, how?: SocketOptions): Connection;
  /**
   * Takes `connection` over, unread bytes included, and returns its plaintext side. `handler.onOpen` is called after
   * the handshake and the verification of chain and peer identity, before the first byte; `onClose` with a reason that
   * starts with `tls:` when either fails. The taken connection must not be used by the caller again.
   */
  secure(connection: Connection, tls: TlsOptions, handler: ConnectionHandler): Connection;
  /** Where connections were going that the kernel redirected here. */
  readonly originalDestinations: OriginalDestinations;
  /** Addresses of a host name by the system's resolver; an IP literal resolves to itself. Rejects with `name-not-found`. */
  resolve(name: string): Promise<readonly ResolvedAddress[]>;
  /** A datagram socket. */
  bindDatagram(at: Address, onDatagram: (bytes: Uint8Array, from: Address) => void): Promise<DatagramSocket>;
}

export interface OriginalDestinations {
  /** Why nobody can tell here, one clause; null: they are known. Found out when it is asked for first. */
  readonly fault: string | null;
  /** Of an accepted connection, before TLS; null: it was not redirected. */
  of(connection: Connection): Address | null;
}

/** How a connection is made where the system's own choices will not do. */
export interface SocketOptions {
  /** Of this machine, where it comes from: the first of the destination's family, else the first; empty: the system chooses. */
  readonly sources: readonly Address[];
  /** null: a silent peer is asked nothing. */
  readonly keepAlive: TcpKeepAlive | null;
}

/** Of the kernel. 0: as the system does. */
export interface TcpKeepAlive {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  /** Unanswered ones that end the connection. */
  readonly probes: number;
}

export interface DatagramSocket {
  readonly address: Address;
  send(bytes: Uint8Array, to: Address): void;
  close(): Promise<void>;
}

export interface ResolvedAddress {
  readonly host: string;
  readonly family: 4 | 6;
}

/** What one end of a TLS connection presents and accepts. Held by reference: a runtime may cache its context by identity. */
export interface TlsIdentity {
  /** PEM, leaf first. Empty when this end presents no certificate. */
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
  /** PEM of the roots that this end accepts. Empty: the peer's certificate is not asked for (server) or not checked (client). */
  readonly trustBundlePem: string;
  /** Default: TLS 1.3, least and most. */
  readonly minVersion?: TlsVersion;
  readonly maxVersion?: TlsVersion;
  /** Of a server: certificates whose keys are of other kinds. A client gets one that it can verify. */
  readonly more?: readonly KeyedCertificate[];
  /** PEM; set: every certificate of a peer's chain must be on nobody's list, and every issuer must have one. */
  readonly crlPem?: string;
  /** By OpenSSL's names, the best first; empty or unset: the runtime's own. Suites are those of TLS 1.2. */
  readonly cipherSuites?: readonly string[];
  readonly curves?: readonly string[];
  readonly signatures?: readonly string[];
  /** Of a server. Unset: a key of this process and this identity, for five minutes. */
  readonly tickets?: SessionTickets;
}

/** PEM, leaf first. */
export interface KeyedCertificate {
  readonly certificateChainPem: string;
  readonly privateKeyPem: string;
}

/**
 * What seals the tickets with which clients resume sessions (RFC 8446 section 4.6.1): who has the key takes them, whether
 * or not it gave them, and knows the client by the certificate that it showed then. Another trust bundle needs another key.
 */
export interface SessionTickets {
  /** 48 bytes, a secret as the private key is. */
  readonly key: Uint8Array;
  /** At most seven days, as the protocol has it. A ticket ends with the certificate that it was given for in any case. */
  readonly lifetimeMs: number;
}

export type TlsVersion = 'TLSv1.2' | 'TLSv1.3';

export interface TlsOptions {
  readonly role: 'client' | 'server';
  readonly identity: TlsIdentity;
  /** Offered (client) or accepted (server), in order of preference; a server without a common protocol refuses. */
  readonly alpn: readonly string[];
  /** A peer that knows nothing of ALPN is taken too. Default false. */
  readonly alpnOptional?: boolean;
  /** The server name that a client sends; null sends none. */
  readonly serverName: string | null;
  /** A server that requires a certificate refuses a client that sends none. */
  readonly requirePeerCertificate: boolean;
  /** The digest of the peer's key is wanted: it costs some. Default false. */
  readonly wantsKeyDigest?: boolean;
  /** Decides over the verified peer: null accepts, a text refuses and is the reason that is logged. Called once. */
  readonly verifyPeer: ((peer: PeerCertificate) => string | null) | null;
}

export interface PeerCertificate {
  /** All URI SANs of the leaf. */
  readonly uris: readonly string[];
  readonly dnsNames: readonly string[];
  /** Of the subject; empty unless there is exactly one. `<namespace>/<workload>` in SVIDs of a mesh. */
  readonly commonName: string;
  /** Milliseconds since the Unix epoch. */
  readonly notAfter: number;
  /** What only logs show; unset where nobody reads it. */
  readonly shown?: ShownCertificate;
  readonly serialNumber: string;
  /** SHA-256 of the public key, base64, where `TlsOptions` wants it. */
  readonly keyDigest?: string;
  /** Extended key usages as OIDs; empty when the extension is absent. */
  readonly extendedKeyUsages: readonly string[];
}

export interface ShownCertificate {
  /** Names as RFC 2253 writes them, the most specific part first. */
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of the DER, lower-case hexadecimal. */
  readonly fingerprint256: string;
  /** Milliseconds since the Unix epoch. */
  readonly notBefore: number;
}

export interface TlsInfo {
  readonly alpn: string;
  readonly serverName: string;
  readonly peer: PeerCertificate | null;
  /** `TLSv1.3`, and OpenSSL's name of the cipher; unset where a runtime knows neither. */
  readonly version?: string;
  readonly cipher?: string;
}

export interface ConnectionInfo {
  readonly local: Address;
  readonly remote: Address;
  /** Who opened the connection, where that is not `remote`: a PROXY header told of another. */
  readonly direct?: Address;
  /** Where it was accepted, where that is not `local`: it was going elsewhere. */
  readonly accepted?: Address;
  /** Set on the plaintext side of a TLS connection. */
  readonly tls: TlsInfo | null;
}

/**
 * Bytes given to `onBytes` are borrowed until it returns; bytes given to `write` may be reused when it returns.
 * `out` is the writer's between `reserve` and `commit`, the connection's at all other times. Every connection flushes
 * once at the end of the turn; a runtime may flush sooner.
 */
export interface Connection {
  /** Replaced at a hand-over: detect → codec → tunnel. */
  handler: ConnectionHandler;
  /** Replaced by who learns more of the ends before anybody else has looked at them. */
  info: ConnectionInfo;
  readonly out: Uint8Array;
  /** Bytes taken and not yet with the kernel. */
  readonly backlog: number;
  /** Those of them that nobody outside can have seen: not yet handed to the transport. The rest may have left already. */
  readonly unflushed: number;
  readonly closed: boolean;
  /** Makes room for `bytes` (at most 64 KiB) in `out` and returns the offset to write at. */
  reserve(bytes: number): number;
  /** `end` is the offset after the last byte written since `reserve`. */
  commit(end: number): void;
  write(bytes: Uint8Array, start: number, end: number): void;
  /**
   * Gives bytes back: they are the first that the current handler's next `onBytes` sees, on a later turn or on `resume`.
   * Given back in or after `onEnd`, they are followed by `onEnd` again.
   */
  unread(bytes: Uint8Array, start: number, end: number): void;
  pause(): void;
  resume(): void;
  /** Half-close: flushes, then sends FIN. Reading goes on. */
  end(): void;
  /**
   * Closes both directions at once: with RST when there is a reason or bytes are lost, so that the peer does not take
   * what it has for all there is. `onClose(reason)` follows on this end, synchronously.
   */
  destroy(reason: string): void;
}

export interface ConnectionHandler {
  /** Once, when a connection that was begun with `connect` or `secure` can carry bytes. Accepted plain connections are open already and never call it. */
  onOpen(): void;
  onBytes(bytes: Uint8Array, start: number, end: number): void;
  /** Once, when the backlog has fallen to LOW_WATER after it passed HIGH_WATER. */
  onDrained(): void;
  /** The peer sent FIN. This side may still write; it must `end()` or `destroy()` in time. */
  onEnd(): void;
  /** Exactly once, last of all. Empty reason: both directions ended in order. */
  onClose(reason: string): void;
}

/** A writer that sees `backlog` above this stops until `onDrained`. */
export const HIGH_WATER = 65_536;
export const LOW_WATER = 16_384;

/** Bidirectional gRPC streams of framed messages (the 5-byte prefix is the runtime's): for xDS, not for requests of users. */
export interface Rpc extends RpcCaller {
  /** A longer message than `maxMessageBytes`, default 64 MiB, ends its stream with RESOURCE_EXHAUSTED before it is held. */
  serve(at: Address, tls: TlsOptions | null, accept: RpcAccept, maxMessageBytes?: number): Promise<Listener>;
}

/** The calling end alone. */
export interface RpcCaller {
  /** A stream, at once: messages wait for the connection. Streams to the same target and identity may share one connection. */
  open(target: RpcTarget, path: string, handler: RpcHandler): RpcStream;
}

export interface RpcTarget {
  readonly address: Address;
  /** null: clear text. */
  readonly tls: TlsOptions | null;
}

/** Called for each new stream; returns its handler, or a gRPC status to refuse it. `peer` is null without TLS. */
export type RpcAccept = (stream: RpcStream, path: string, peer: PeerCertificate | null) => RpcHandler | RpcStatus;

export interface RpcStatus {
  /** A gRPC status code: 0 OK, 7 PERMISSION_DENIED, 14 UNAVAILABLE, 16 UNAUTHENTICATED… */
  readonly code: number;
  readonly message: string;
}

export interface RpcStream {
  readonly remote: Address;
  /** Bytes are shared, not copied: the caller never changes them again. */
  send(message: Uint8Array): void;
  /** False while the transport holds more than its bound; `onWritable` follows. */
  readonly writable: boolean;
  /** Bytes that were sent and that the peer has not taken. Absent: not known. */
  readonly unsent?: number;
  /** A server ends with a status; a client half-closes (status ignored). */
  end(status?: RpcStatus): void;
  /** Gives the peer no more room to send, until `resume`. Messages that are on their way still come. */
  pause(): void;
  resume(): void;
  destroy(): void;
}

export interface RpcHandler {
  onMessage(message: Uint8Array): void;
  onWritable(): void;
  /** Exactly once. A transport failure arrives as code 14 with the cause in the message. */
  onClose(status: RpcStatus): void;
}

/** Small files of state. Paths are absolute. Errors are WeftErrors: `file-not-found`, `permission-denied`, `io`. */
export interface Files {
  read(path: string): Promise<Uint8Array>;
  /** Atomic (temporary file, fsync, rename). `mode` such as 0o600; parent directories are made with 0700. */
  write(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  /** Appends to a file that is made with this mode when missing. */
  append(path: string, bytes: Uint8Array, mode: number): Promise<void>;
  remove(path: string): Promise<void>;
  list(directory: string): Promise<readonly string[]>;
}
