/**
 * The control plane's own certificate, by its own CA: made at start, renewed at half life and handed to the listeners,
 * which use it for connections from then on. It has DNS and IP names beside its SPIFFE id, for kubectl and curl.
 */
import { isIP } from 'node:net';
import type { Log } from '../../core/log.ts';
import type { Clock, TlsIdentity } from '../../core/runtime.ts';
import { messageOf } from '../../core/errors.ts';
import type { KeyMaker } from '../../identity/key-maker.ts';
import { workloadId } from '../../identity/spiffe-id.ts';
import { wakeAtWall } from '../../identity/wall-alarm.ts';
import type { Authority } from './authority.ts';

const LIFE_MS = 24 * 3_600_000;
const RETRY_MS = 60_000;

export const CONTROL_PLANE = { namespace: 'weft-system', account: 'control-plane' } as const;

export interface ServingOptions {
  readonly authority: Authority;
  readonly keyMaker: KeyMaker;
  readonly clock: Clock;
  readonly log: Log;
  /** Names and IP literals that clients call it by; localhost and the loopback addresses are always there. */
  readonly hosts: readonly string[];
  /** After each renewal, with what new connections must present. */
  readonly onChange: (identity: TlsIdentity) => void;
}

export class ServingCertificate {
  readonly #options: ServingOptions;
  #cancel = (): void => {};
  #closed = false;

  constructor(options: ServingOptions) {
    this.#options = options;
  }

  /** The first identity; renewals follow through `onChange` until `close`. */
  async start(): Promise<TlsIdentity> {
    const { identity, renewAt } = await this.#issue();
    this.#schedule(renewAt);
    return identity;
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }

  #schedule(wallMs: number): void {
    if (!this.#closed) this.#cancel = wakeAtWall(this.#options.clock, wallMs, () => void this.#renew());
  }

  async #renew(): Promise<void> {
    const { log, clock, onChange } = this.#options;
    try {
      const { identity, renewAt } = await this.#issue();
      if (!this.#closed) onChange(identity);
      this.#schedule(renewAt);
    } catch (error) {
      log.error("the control plane's certificate was not renewed", { reason: messageOf(error) });
      this.#schedule(clock.wall() + RETRY_MS);
    }
  }

  async #issue(): Promise<{ identity: TlsIdentity; renewAt: number }> {
    const { authority, keyMaker, clock } = this.#options;
    await authority.maintain();
    const key = keyMaker.make();
    const hosts = [...new Set(['localhost', '127.0.0.1', '::1', ...this.#options.hosts])];
    const issued = await authority.issue({
      publicKeySpki: key.publicKeySpki,
      id: workloadId(authority.trustDomain, CONTROL_PLANE.namespace, CONTROL_PLANE.account),
      commonName: `${CONTROL_PLANE.namespace}/${CONTROL_PLANE.account}`,
      ttlMs: LIFE_MS,
      dnsNames: hosts.filter((host) => isIP(host) === 0),
      ipAddresses: hosts.filter((host) => isIP(host) !== 0),
    });
    const identity = {
      certificateChainPem: issued.certificateChainPem,
      privateKeyPem: key.privateKeyPem,
      trustBundlePem: authority.trustBundlePem,
    };
    return { identity, renewAt: clock.wall() + (issued.notAfter - clock.wall()) / 2 };
  }
}
