/** Whether a join token may let a workload in. Pure: the table of everything that can be wrong with a token stands here. */
import { type JoinToken, parseToken, secretMatches, type TokenText } from './join-token.ts';

/** What a workload asks to become. */
export interface Claim {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly account: string;
}

/** Closed; they stand in the control plane's log and in a metric label. */
export type TokenFault =
  | 'malformed'
  | 'unknown'
  | 'wrong-secret'
  | 'expired'
  | 'used-up'
  | 'wrong-namespace'
  | 'wrong-service'
  | 'wrong-account';

/**
 * What the caller is told. An unknown id and a wrong secret look alike, so that ids cannot be probed; who has shown the
 * secret may know the rest.
 */
export const FAULT_TEXT: Readonly<Record<TokenFault, string>> = {
  malformed: 'this is not a join token',
  unknown: 'the join token is not known to this control plane',
  'wrong-secret': 'the join token is not known to this control plane',
  expired: 'the join token has expired',
  'used-up': 'the join token has been used',
  'wrong-namespace': 'the join token is for another namespace',
  'wrong-service': 'the join token is for another service',
  'wrong-account': 'the join token does not allow this account',
};

/** True for faults of the credential itself (401); the others are of what was asked with it (403). */
export function isCredentialFault(fault: TokenFault): boolean {
  return !fault.startsWith('wrong-') || fault === 'wrong-secret';
}

/** The parts of a bearer text; null is the fault `malformed`. */
export function readBearer(bearer: string | null): TokenText | null {
  return bearer === null ? null : parseToken(bearer);
}

/** Null when the token allows the claim now. `wallMs`: milliseconds since the Unix epoch. */
export function tokenFault(token: JoinToken | null, secret: string, claim: Claim, wallMs: number): TokenFault | null {
  if (token === null) return 'unknown';
  if (!secretMatches(token, secret)) return 'wrong-secret';
  if (wallMs >= token.expiresAt) return 'expired';
  if (token.uses > 0 && token.used >= token.uses) return 'used-up';
  if (claim.namespace !== token.namespace) return 'wrong-namespace';
  if (token.service !== null && claim.service !== token.service) return 'wrong-service';
  if (!(token.accounts ?? [claim.service]).includes(claim.account)) return 'wrong-account';
  return null;
}
