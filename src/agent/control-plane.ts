/**
 * What the agent asks of the control plane: enrolment, its own record, its lease. An interface, so that the agent's
 * behaviour is tested without a server; the real one stands on the API client.
 */
import type { Workload } from '../api/kinds/workload.ts';
import type { EnrolmentRequest, IssuedIdentity } from '../client/identity.ts';
import type { LeaseAnswer, LeaseRequest } from '../client/mesh.ts';

export interface ServicePort {
  readonly name: string;
  readonly port: number;
}

export interface KnownService {
  readonly namespace: string;
  readonly name: string;
  readonly ports: readonly ServicePort[];
}

/** Every call rejects with a WeftError; `unavailable` and `timeout` mean that nothing is known, and that it may be tried again. */
export interface ControlPlane {
  /** PEM of the root, which the pinned hash or the state directory vouches for. */
  trustedRoot(): Promise<string>;
  enrol(joinToken: string, request: EnrolmentRequest): Promise<IssuedIdentity>;
  /** With the current SVID. */
  renew(csrPem: string): Promise<IssuedIdentity>;
  /** Services of all namespaces. */
  services(): Promise<readonly KnownService[]>;
  /** Writes the workload's own record, new or not. */
  register(workload: Workload): Promise<void>;
  /** Rejects with `not-found` when the record is gone: register anew. */
  lease(request: LeaseRequest): Promise<LeaseAnswer>;
  /** A record that is gone already is no error. */
  deregister(): Promise<void>;
  close(): void;
}
