/** Tokens, enrolment and renewal over the API. Keys never travel: only certification requests do. */
import { call } from './caller.ts';
import type { HttpTransport } from './transport.ts';

const BASE = '/apis/identity.weft.mesh/v1';

export interface TokenRequest {
  readonly namespace: string;
  /** null: any service of the namespace. */
  readonly service: string | null;
  /** Unset: the server's default. */
  readonly ttlSeconds?: number;
  /** Unset: 1; 0: any number until it expires. */
  readonly uses?: number;
  /** Unset: the account that is named as the service. */
  readonly accounts?: readonly string[];
}

export interface CreatedToken {
  readonly id: string;
  /** The secret, shown once. */
  readonly token: string;
  readonly expiresAt: string;
  readonly caHash: string;
  readonly server: string;
}

export interface ListedToken {
  readonly id: string;
  readonly namespace: string;
  readonly service: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly [field: string]: unknown;
}

export interface EnrolmentRequest {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly account: string;
  /** PEM. */
  readonly csr: string;
}

export interface IssuedIdentity {
  readonly certificateChainPem: string;
  readonly trustBundlePem: string;
  /** RFC 3339. */
  readonly notAfter: string;
  readonly trustDomain: string;
  /** `host:port` of the xDS server. */
  readonly xds: string;
}

export function createToken(transport: HttpTransport, request: TokenRequest): Promise<CreatedToken> {
  return call(transport, 'POST', `${BASE}/tokens`, { body: request });
}

export async function listTokens(transport: HttpTransport): Promise<readonly ListedToken[]> {
  return (await call<{ items: readonly ListedToken[] }>(transport, 'GET', `${BASE}/tokens`)).items;
}

export async function deleteToken(transport: HttpTransport, id: string): Promise<void> {
  await call(transport, 'DELETE', `${BASE}/tokens/${encodeURIComponent(id)}`);
}

/** `joinToken` stands in place of the transport's own credential. */
export function enrol(transport: HttpTransport, joinToken: string, request: EnrolmentRequest): Promise<IssuedIdentity> {
  return call(transport, 'POST', `${BASE}/enrollments`, {
    body: request,
    headers: { authorization: `Bearer ${joinToken}` },
  });
}

/** The transport's credential must be the current SVID. */
export function renew(transport: HttpTransport, csr: string): Promise<IssuedIdentity> {
  return call(transport, 'POST', `${BASE}/renewals`, { body: { csr } });
}
