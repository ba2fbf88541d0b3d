/**
 * The workload's record and lease: it says that it lives, and whether it takes traffic. A control plane that is away
 * changes nothing for the application; when it is back, the next heartbeat registers again what it has forgotten.
 */
import type { Workload } from '../api/kinds/workload.ts';
import { isWeftError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Clock } from '../core/runtime.ts';
import type { ControlPlane } from './control-plane.ts';
import { pause, within } from './pause.ts';

/** Seconds without a heartbeat after which the endpoint leaves. */
const DEFAULT_LEASE_SECONDS = 15;
/** Longer than the 5 s that the control plane waits for acknowledgements. */
const DRAIN_WAIT_MS = 8_000;
const DEREGISTER_WAIT_MS = 5_000;
/** After a failed heartbeat: sooner than the next one is due, so that a short outage costs no lease. */
const RETRY_MS = 1_000;
/** A token that was used or has run out does not get better: the control plane is not asked each second. */
const ENROL_AGAIN_MS = 60_000;

export interface RegistrationOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly controlPlane: ControlPlane;
  /** Unset: 15. */
  readonly leaseSeconds?: number;
  /** Another identity, when the control plane knows the present one no more. Unset: there is none to be had. */
  readonly enrolAnew?: () => Promise<void>;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #leaseSeconds: number;
  readonly #stop = new AbortController();
  #nudge = new AbortController();
  #record: Workload;
  /** False: the control plane does not have the present record. */
  #written = false;
  #ready = false;
  #reachable = true;
  #running: Promise<void> | null = null;
  #enrolsAgainAt = 0;
  #leaving: Promise<void> | null = null;

  constructor(options: RegistrationOptions, record: Workload) {
    this.#options = options;
    this.#leaseSeconds = options.leaseSeconds ?? DEFAULT_LEASE_SECONDS;
    this.#record = record;
  }

  /** Writes the record once; rejects as the control plane does. */
  async register(): Promise<void> {
    const record = this.#record;
    await this.#options.controlPlane.register(record);
    this.#written = record === this.#record;
  }

  /** Heartbeats from now on, until `leave`. */
  start(): void {
    this.#running ??= this.#beat();
  }

  /** Another record, such as one whose ports are known now: written with the next heartbeat, which comes at once. */
  replace(record: Workload): void {
    this.#record = record;
    this.#written = false;
    this.#nudge.abort();
  }

  /** Told to the control plane at once. */
  setReady(ready: boolean): void {
    if (this.#ready === ready) return;
    this.#ready = ready;
    this.#nudge.abort();
  }

  /**
   * Leaves the endpoints and waits until every proxy has acknowledged that, as long as the control plane waits.
   * True when they have. Heartbeats go on, as not ready.
   */
  async drain(): Promise<boolean> {
    const { clock, controlPlane, log } = this.#options;
    this.#ready = false;
    const asked = controlPlane.lease({ ready: false, drain: true, leaseSeconds: this.#leaseSeconds }).then(
      (answer) => answer.acknowledged,
      (error: unknown) => {
        log.warn('the workload could not announce that it leaves', { reason: messageOf(error) });
        return false;
      },
    );
    return within(clock, DRAIN_WAIT_MS, asked, () => false);
  }

  /** Ends the heartbeats and deletes the record, once; a control plane that is away finds the lease expired. Never rejects. */
  leave(): Promise<void> {
    this.#leaving ??= this.#leave();
    return this.#leaving;
  }

  async #leave(): Promise<void> {
    const { clock, controlPlane, log } = this.#options;
    this.#stop.abort();
    this.#nudge.abort();
    await this.#running;
    const asked = controlPlane.deregister().catch((error: unknown) => {
      log.warn('the workload could not deregister; its lease will expire', { reason: messageOf(error) });
    });
    await within(clock, DEREGISTER_WAIT_MS, asked, () => undefined);
  }

  async #beat(): Promise<void> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#nudge = new AbortController();
      const well = await this.#beatOnce();
      const beatMs = (this.#leaseSeconds * 1000) / 3;
      await pause(clock, well ? beatMs : Math.min(RETRY_MS, beatMs), this.#nudge.signal);
    }
  }

  async #beatOnce(): Promise<boolean> {
    const { log } = this.#options;
    try {
      await this.#tell();
      if (!this.#reachable) log.info('the control plane is back');
      this.#reachable = true;
    } catch (error) {
      if (this.#reachable)
        log.warn('the control plane was not told that the workload lives', { reason: messageOf(error) });
      this.#reachable = false;
    }
    return this.#reachable;
  }

  async #tell(): Promise<void> {
    const { controlPlane, log } = this.#options;
    if (!this.#written) await this.#registerAnyhow();
    try {
      await controlPlane.lease({ ready: this.#ready, leaseSeconds: this.#leaseSeconds });
    } catch (error) {
      if (!isWeftError(error, 'not-found')) throw error;
      log.info('the control plane has forgotten the workload: it registers again');
      await this.#registerAnyhow();
      await controlPlane.lease({ ready: this.#ready, leaseSeconds: this.#leaseSeconds });
    }
  }

  /** Who left in order gave its identity back; started from disk while the control plane is away, it still has it. */
  async #registerAnyhow(): Promise<void> {
    const { clock, log, enrolAnew } = this.#options;
    try {
      await this.register();
    } catch (error) {
      const mayEnrol = isWeftError(error, 'forbidden') && clock.now() >= this.#enrolsAgainAt;
      if (!mayEnrol || enrolAnew === undefined) throw error;
      this.#enrolsAgainAt = clock.now() + ENROL_AGAIN_MS;
      log.warn('the control plane takes this identity no more: the workload enrols anew', { reason: messageOf(error) });
      await enrolAnew();
      await this.register();
    }
  }
}
