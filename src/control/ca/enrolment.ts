/**
 * How a workload gets its identity and keeps it: a join token for the first SVID, the current SVID for each further
 * one. The certificate is made before the token is used up, and leaves only when the commit has gone through.
 */
import { WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Address, Clock } from '../../core/runtime.ts';
import { workloadId } from '../../identity/spiffe-id.ts';
import type { WorkloadUser } from '../api-server/user.ts';
import type { Authority, IssuedCertificate } from './authority.ts';
import { checkCsr } from './csr-check.ts';
import type { Enrollment, IdentityRecords, Versioned } from './identity-records.ts';
import type { JoinToken } from './join-token.ts';
import { type Claim, FAULT_TEXT, isCredentialFault, readBearer, type TokenFault, tokenFault } from './token-verdict.ts';

/** One winner a round: as many as may redeem one token in the same moment. */
const MAX_ROUNDS = 100;
/** The control plane's own; nobody enrols into it. */
const SYSTEM_NAMESPACE = 'weft-system';
/** Records outlive their SVID or expiry by this, so that "used" and "expired" can be told from "unknown". */
const KEPT_AFTER_END_MS = 24 * 3_600_000;

export interface EnrolmentOptions {
  readonly authority: Authority;
  readonly records: IdentityRecords;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked at each issue, so that a change of the mesh holds from the next renewal. */
  readonly svidTtlMs: () => number;
}

export class Enrolment {
  readonly #options: EnrolmentOptions;

  constructor(options: EnrolmentOptions) {
    this.#options = options;
  }

  /** Rejects with `unauthenticated`, `forbidden`, `invalid` (request) or `conflict` (the name is another service's workload). */
  async enrol(bearer: string | null, claim: Claim, csrPem: string, remote: Address): Promise<IssuedCertificate> {
    const presented = readBearer(bearer);
    if (presented === null) throw this.#refuse('malformed', null, claim, remote);
    let issued: IssuedCertificate | null = null;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const token = await this.#options.records.token(presented.id);
      const fault = tokenFault(token?.value ?? null, presented.secret, claim, this.#options.clock.wall());
      if (fault !== null || token === null) throw this.#refuse(fault ?? 'unknown', token?.value ?? null, claim, remote);
      const before = await this.#nameIsFree(claim);
      issued ??= await this.#issue(claim, csrPem);
      const enrollment = { ...claim, tokenId: token.value.id, notAfter: issued.notAfter };
      if (!(await this.#options.records.redeem(token, before, enrollment))) continue;
      this.#options.log.info('enrolled a workload', { ...claim, tokenId: token.value.id, serial: issued.serialNumber });
      return issued;
    }
    throw new WeftError('unavailable', { what: 'too many enrolments with this join token at once', hint: 'Try again' });
  }

  /** For the caller's own name only. Rejects with `forbidden` when its enrolment is gone, `invalid` for the request. */
  async renew(user: WorkloadUser, csrPem: string): Promise<IssuedCertificate> {
    const { namespace, workload, account } = user;
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const before = await this.#options.records.enrollment(namespace, workload);
      if (before === null || before.value.account !== account) {
        this.#options.log.warn('renewal refused: not enrolled', { namespace, workload, account });
        throw new WeftError('forbidden', {
          what: 'the workload is not enrolled, or as another account',
          where: `${namespace}/${workload}`,
          hint: 'Enrol again with a join token',
        });
      }
      const issued = await this.#issue(before.value, csrPem);
      if (await this.#options.records.renew(before, { ...before.value, notAfter: issued.notAfter })) return issued;
    }
    throw new WeftError('unavailable', { what: 'too many renewals of this workload at once', hint: 'Try again' });
  }

  /** What the workload's token allowed; null when it is not enrolled. Registration is held to it. */
  async allowed(namespace: string, workload: string): Promise<Enrollment | null> {
    return (await this.#options.records.enrollment(namespace, workload))?.value ?? null;
  }

  /** Takes the identity back: no renewal any more, and another service may have the name. The last SVID lives on to its end. */
  async release(namespace: string, workload: string): Promise<void> {
    await this.#options.records.removeEnrollment(namespace, workload);
  }

  /** Forgets what ended a day ago. Call hourly. */
  async sweep(): Promise<void> {
    const { records, clock } = this.#options;
    const before = clock.wall() - KEPT_AFTER_END_MS;
    for (const token of await records.tokens()) if (token.expiresAt < before) await records.removeToken(token.id);
    for (const { notAfter, namespace, workload } of await records.enrollments()) {
      if (notAfter < before) await records.removeEnrollment(namespace, workload);
    }
  }

  async #issue(claim: Claim, csrPem: string): Promise<IssuedCertificate> {
    const { authority, svidTtlMs } = this.#options;
    return authority.issue({
      publicKeySpki: await checkCsr(csrPem),
      id: workloadId(authority.trustDomain, claim.namespace, claim.account),
      commonName: `${claim.namespace}/${claim.workload}`,
      ttlMs: svidTtlMs(),
      dnsNames: [],
      ipAddresses: [],
    });
  }

  /** A live workload's name is not taken over by one that may not be it; null or the enrolment that is replaced. */
  async #nameIsFree(claim: Claim): Promise<Versioned<Enrollment> | null> {
    const { records, clock, log } = this.#options;
    const before = await records.enrollment(claim.namespace, claim.workload);
    if (before === null || clock.wall() >= before.value.notAfter) return before;
    if (before.value.service === claim.service && before.value.account === claim.account) return before;
    log.warn('enrolment refused: the name belongs to a workload of another service', {
      ...claim,
      owner: before.value.service,
    });
    throw new WeftError('conflict', {
      what: 'a workload of this name is enrolled for another service or account',
      where: `${claim.namespace}/${claim.workload}`,
      hint: 'Choose another workload name',
    });
  }

  #refuse(fault: TokenFault, token: JoinToken | null, claim: Claim, remote: Address): WeftError {
    const from = `${remote.host}:${remote.port}`;
    this.#options.log.warn('enrolment refused', { fault, tokenId: token?.id ?? '', ...claim, remote: from });
    return new WeftError(isCredentialFault(fault) ? 'unauthenticated' : 'forbidden', {
      what: FAULT_TEXT[fault],
      where: `${claim.namespace}/${claim.service} as ${claim.account}`,
      hint: 'Make one with: weft token create',
    });
  }
}

/** Throws `forbidden` for names that no token may give. */
export function refuseReserved(namespace: string): void {
  if (namespace !== SYSTEM_NAMESPACE) return;
  throw new WeftError('forbidden', { what: 'the namespace is reserved for the control plane', where: namespace });
}
