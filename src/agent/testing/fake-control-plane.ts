/** A control plane in memory: it issues real certificates of a real CA, and writes down what it was asked, in order. */
import type { Workload } from '../../api/kinds/workload.ts';
import type { EnrolmentRequest, IssuedIdentity } from '../../client/identity.ts';
import type { LeaseAnswer, LeaseRequest } from '../../client/mesh.ts';
import { WeftError } from '../../core/errors.ts';
import type { Clock } from '../../core/runtime.ts';
import type { ControlPlane, KnownService } from '../control-plane.ts';

/** Certifies a request; tests bring the real CA. */
export type Certify = (csrPem: string, account: string, workload: string) => Promise<IssuedIdentity>;

export class FakeControlPlane implements ControlPlane {
  /** Calls with what matters of them, such as `lease ready` or `register catalog-1`. */
  readonly calls: string[] = [];
  readonly records: Workload[] = [];
  known: KnownService[] = [];
  /** Away: every call fails as if nobody listened. */
  away = false;
  /** The record is gone: leases find nothing until it registers. */
  forgotten = true;
  refuseRenewals = false;
  /** The identity was given back: nobody registers with it. */
  takesIdentity = true;
  tokens = new Set(['good']);
  /** How long an answer to a drain takes. */
  drainMs = 0;
  readonly #root: string;
  readonly #certify: Certify;
  readonly #clock: Clock;
  #claim: { account: string; workload: string } = { account: 'catalog', workload: 'catalog-1' };

  constructor(root: string, certify: Certify, clock: Clock) {
    this.#root = root;
    this.#certify = certify;
    this.#clock = clock;
  }

  async trustedRoot(): Promise<string> {
    return this.#root;
  }

  async enrol(joinToken: string, request: EnrolmentRequest): Promise<IssuedIdentity> {
    this.#note('enrol');
    if (!this.tokens.delete(joinToken))
      throw new WeftError('unauthenticated', { what: 'the join token has been used' });
    this.#claim = request;
    return this.#certify(request.csr, request.account, request.workload);
  }

  async renew(csrPem: string): Promise<IssuedIdentity> {
    this.#note('renew');
    if (this.refuseRenewals) throw new WeftError('forbidden', { what: 'the workload is not enrolled' });
    return this.#certify(csrPem, this.#claim.account, this.#claim.workload);
  }

  async services(): Promise<readonly KnownService[]> {
    this.#note('services');
    return this.known;
  }

  async register(workload: Workload): Promise<void> {
    this.#note(`register ${workload.metadata.name}`);
    if (!this.takesIdentity) throw new WeftError('forbidden', { what: 'the workload is not registered' });
    this.records.push(workload);
    this.forgotten = false;
  }

  async lease(request: LeaseRequest): Promise<LeaseAnswer> {
    this.#note(`lease ${request.ready ? 'ready' : 'not ready'}${request.drain === true ? ' drain' : ''}`);
    if (this.forgotten) throw new WeftError('not-found', { what: 'there is no such workload' });
    if (request.drain === true) {
      await new Promise<void>((resolve) => void this.#clock.wake(this.#clock.now() + this.drainMs, resolve));
    }
    this.calls.push(`answered ${request.drain === true ? 'drain' : 'lease'}`);
    return { ready: request.ready, acknowledged: true, leaseSeconds: request.leaseSeconds ?? 15 };
  }

  async deregister(): Promise<void> {
    this.#note('deregister');
    this.forgotten = true;
  }

  close(): void {}

  #note(call: string): void {
    if (this.away) throw new WeftError('unavailable', { what: 'the control plane cannot be reached' });
    this.calls.push(call);
  }
}
