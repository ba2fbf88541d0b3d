/**
 * The extension point of the API server: how other parts of the control plane (identity, leases, mesh status) add
 * endpoints without knowing HTTP. The server has authenticated the caller, checked `access`, bounded and parsed the body.
 */
import type { Address } from '../../core/runtime.ts';
import type { User } from './user.ts';

/** The client certificate of the connection, verified against the mesh's trust bundle and within its validity. */
export interface PeerIdentity {
  readonly uris: readonly string[];
  /** Subject common name; `<namespace>/<workload>` in our SVIDs. */
  readonly commonName: string;
  readonly serialNumber: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
  /** DER of the leaf. */
  readonly der: Uint8Array;
}

export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  /** The `:name` segments of the route's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Parsed JSON (at most 10 MiB, depth 64, no `__proto__` keys); undefined when the request has no body. */
  readonly body: unknown;
  /** null only on routes with access `public`. */
  readonly user: User | null;
  /** null when the connection carries no verified client certificate. */
  readonly peer: PeerIdentity | null;
  /** The text after `Bearer `; null without one. A secret: never log it. */
  readonly bearer: string | null;
  readonly remote: Address;
  /** Aborts when the client goes away or the server stops. */
  readonly signal: AbortSignal;
}

export interface ApiResponse {
  /** HTTP status. */
  readonly status: number;
  /** Written as JSON; a string or bytes as they are; undefined sends no body. */
  readonly body: unknown;
  /** Unset: application/json, or text/plain for a string. */
  readonly contentType?: string;
}

/** Throws WeftError for failures: the server answers with the Status object of its code and never with a stack. */
export type Handler = (request: ApiRequest) => Promise<ApiResponse> | ApiResponse;

/**
 * Who may call a route:
 * - `public`: anyone; the handler checks its own credential (an enrolment its join token);
 * - `authenticated`: admin or any workload;
 * - `admin`: the admin;
 * - `workload`: a caller with an SVID;
 * - `own-workload`: the workload that `:namespace` and `:name` of the path name, or the admin.
 */
export type Access = 'public' | 'authenticated' | 'admin' | 'workload' | 'own-workload';

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Such as `/apis/weft.mesh/v1/namespaces/:namespace/workloads/:name/lease`; a segment that starts with `:` is a parameter. */
  readonly path: string;
  readonly access: Access;
  /** Upper bound of the body; 64 KiB unless set. */
  readonly maxBodyBytes?: number;
  readonly handle: Handler;
}
