/**
 * SPIFFE ids: the names of workloads in certificates and policies. Parsing is strict and total, because an id that two
 * parties read differently is an authorization hole; equality is equality of the text, byte by byte.
 */
import { WeftError } from '../core/errors.ts';

/** SPIFFE-ID 2.3: at most 2048 bytes. The charset is ASCII, so characters are bytes. */
const MAX_ID_BYTES = 2048;
/** SPIFFE-ID 2.1: at most 255 bytes. */
const MAX_TRUST_DOMAIN_BYTES = 255;
const SCHEME = 'spiffe://';
/** SPIFFE-ID 2.1: lower case only; no port, no user info. */
const TRUST_DOMAIN = /^[a-z0-9._-]+$/;
/** SPIFFE-ID 2.2: segments of this charset; percent-encoding is not allowed. */
const SEGMENT = /^[A-Za-z0-9._-]+$/;
/** Namespaces and accounts are RFC 1123 labels, as in Kubernetes. */
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export interface SpiffeId {
  /** The whole id; compare this. */
  readonly text: string;
  readonly trustDomain: string;
  /** With its leading slash; empty for the id of the trust domain itself. */
  readonly path: string;
}

/** The parts of an id of the form `spiffe://<trust domain>/ns/<namespace>/sa/<account>`. */
export interface WorkloadIdentity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly account: string;
}

/** Throws `invalid` with the rule that is broken. */
export function parseSpiffeId(text: string): SpiffeId {
  const id = readSpiffeId(text);
  if (typeof id === 'string')
    throw new WeftError('invalid', { what: `not a SPIFFE id: ${id}`, where: text.slice(0, 200) });
  return id;
}

/** The id, or the reason why it is none: for callers that must answer with a reason instead of an exception. */
export function readSpiffeId(text: string): SpiffeId | string {
  if (text.length > MAX_ID_BYTES) return `longer than ${MAX_ID_BYTES} bytes`;
  if (!text.startsWith(SCHEME)) return 'the scheme is not spiffe://';
  const slash = text.indexOf('/', SCHEME.length);
  const trustDomain = slash < 0 ? text.slice(SCHEME.length) : text.slice(SCHEME.length, slash);
  const path = slash < 0 ? '' : text.slice(slash);
  const fault = trustDomainFault(trustDomain) ?? pathFault(path);
  return fault ?? { text, trustDomain, path };
}

/** Null for a valid trust domain, else the reason. */
export function trustDomainFault(trustDomain: string): string | null {
  if (trustDomain === '') return 'the trust domain is empty';
  if (trustDomain.length > MAX_TRUST_DOMAIN_BYTES)
    return `the trust domain is longer than ${MAX_TRUST_DOMAIN_BYTES} bytes`;
  if (!TRUST_DOMAIN.test(trustDomain)) return 'the trust domain has a character outside of a-z 0-9 . _ -';
  return null;
}

/** The id of an account. Throws `invalid` when a part is not a DNS label. */
export function workloadId(trustDomain: string, namespace: string, account: string): SpiffeId {
  for (const [field, value] of [
    ['namespace', namespace],
    ['account', account],
  ] as const) {
    if (!LABEL.test(value)) {
      throw new WeftError('invalid', {
        what: `${field} is not a DNS label`,
        where: value.slice(0, 100),
        hint: 'Use up to 63 of a-z, 0-9 and -',
      });
    }
  }
  return parseSpiffeId(`${SCHEME}${trustDomain}/ns/${namespace}/sa/${account}`);
}

/** Null when the id does not have the form of an account's. */
export function readWorkloadIdentity(id: SpiffeId): WorkloadIdentity | null {
  const [, ns, namespace, sa, account, ...rest] = id.path.split('/');
  if (ns !== 'ns' || sa !== 'sa' || namespace === undefined || account === undefined || rest.length > 0) return null;
  if (!LABEL.test(namespace) || !LABEL.test(account)) return null;
  return { trustDomain: id.trustDomain, namespace, account };
}

function pathFault(path: string): string | null {
  if (path === '') return null;
  for (const segment of path.slice(1).split('/')) {
    if (segment === '') return 'the path has an empty segment';
    if (segment === '.' || segment === '..') return 'the path has a relative segment';
    if (!SEGMENT.test(segment)) return 'the path has a character outside of A-Z a-z 0-9 . _ -';
  }
  return null;
}
