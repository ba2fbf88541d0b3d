/**
 * Makes a User of a credential: the admin's bearer token, or the client certificate of the connection, which TLS has
 * verified against the trust bundle. A credential that was shown and is bad is an error; none is nobody.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { readSpiffeId, readWorkloadIdentity } from '../../identity/spiffe-id.ts';
import { unauthenticated } from './authorize.ts';
import type { PeerIdentity } from './handler.ts';
import type { User } from './user.ts';

/** id-kp-clientAuth, RFC 5280 section 4.2.1.12. */
const CLIENT_AUTH = '1.3.6.1.5.5.7.3.2';
const MAX_BEARER = 4096;

export interface AuthenticateOptions {
  /** SHA-256 of the admin's token: the token itself is not kept. */
  readonly adminTokenHash: Uint8Array;
  readonly trustDomain: string;
  readonly wall: () => number;
}

export interface Caller {
  readonly user: User | null;
  readonly peer: PeerIdentity | null;
  readonly bearer: string | null;
  /** Why a credential that was shown is none; empty when there is nothing to say. Public routes go on without it. */
  readonly fault: string;
}

export function tokenHash(token: string): Uint8Array {
  return createHash('sha256').update(token).digest();
}

export class Authenticator {
  readonly #options: AuthenticateOptions;
  readonly #peers = new WeakMap<TLSSocket, PeerIdentity | string>();

  constructor(options: AuthenticateOptions) {
    this.#options = options;
  }

  /** A bearer token goes before the certificate: who sends one means it. */
  identify(authorization: string | undefined, socket: TLSSocket): Caller {
    const shown = this.#peer(socket);
    const peer = typeof shown === 'string' ? null : shown;
    const fault = typeof shown === 'string' ? shown : '';
    if (authorization !== undefined) {
      const [, bearer = ''] = /^Bearer +(\S+) *$/i.exec(authorization.slice(0, MAX_BEARER)) ?? [];
      const isAdmin = bearer !== '' && timingSafeEqual(tokenHash(bearer), this.#options.adminTokenHash);
      if (isAdmin) return { user: { role: 'admin' }, peer, bearer: null, fault: '' };
      return { user: null, peer, bearer: bearer === '' ? null : bearer, fault: 'the bearer token is not valid' };
    }
    if (peer === null) return { user: null, peer, bearer: null, fault };
    const user = this.#workload(peer);
    return typeof user === 'string'
      ? { user: null, peer: null, bearer: null, fault: user }
      : { user, peer, bearer: null, fault: '' };
  }

  /** The verified certificate of a connection; a text says why it is not accepted; null: none was sent. */
  #peer(socket: TLSSocket): PeerIdentity | string | null {
    let shown = this.#peers.get(socket);
    if (shown === undefined) {
      const certificate = socket.getPeerX509Certificate();
      if (certificate === undefined) return null;
      shown = socket.authorized ? read(certificate) : refusal(socket.authorizationError);
      this.#peers.set(socket, shown);
    }
    // A connection may outlive the certificate that opened it.
    if (typeof shown !== 'string' && this.#options.wall() >= shown.notAfter)
      return 'the client certificate has expired';
    return shown;
  }

  #workload(peer: PeerIdentity): User | string {
    const [uri, ...more] = peer.uris;
    if (uri === undefined || more.length > 0) return 'the client certificate does not have exactly one SPIFFE id';
    const id = readSpiffeId(uri);
    if (typeof id === 'string') return `the client certificate's SPIFFE id is not valid: ${id}`;
    const { trustDomain } = this.#options;
    if (id.trustDomain !== trustDomain) return `the client certificate is of trust domain ${id.trustDomain}`;
    const identity = readWorkloadIdentity(id);
    if (identity === null) return 'the SPIFFE id is not one of a workload';
    const [namespace, workload, ...rest] = peer.commonName.split('/');
    if (namespace !== identity.namespace || workload === undefined || workload === '' || rest.length > 0) {
      return 'the subject of the client certificate does not name a workload of its namespace';
    }
    return { role: 'workload', spiffeId: id.text, namespace, account: identity.account, workload };
  }
}

/** Refuses a caller whose credential was shown and is bad. */
export function requireGoodCredential(caller: Caller): void {
  if (caller.user === null && caller.fault !== '') throw unauthenticated(caller.fault);
}

function refusal(error: unknown): string {
  const code = typeof error === 'string' ? error : error instanceof Error ? error.message : 'not verified';
  return `the client certificate is not of this mesh: ${code}`;
}

function read(certificate: X509Certificate): PeerIdentity | string {
  if (!certificate.keyUsage?.includes(CLIENT_AUTH)) return 'the certificate is not for clients';
  // Names are written by Node with quotes where they could be confused; a quoted one is none of ours.
  const names = (certificate.subjectAltName ?? '').split(', ');
  const uris = names.filter((name) => name.startsWith('URI:')).map((name) => name.slice('URI:'.length));
  const commonNames = certificate.subject.split('\n').filter((line) => line.startsWith('CN='));
  const [commonName = ''] = commonNames;
  if (commonNames.length !== 1) return 'the subject of the client certificate has no single common name';
  return {
    uris,
    commonName: commonName.slice('CN='.length),
    serialNumber: certificate.serialNumber.toLowerCase(),
    notAfter: certificate.validToDate.getTime(),
    der: certificate.raw,
  };
}
