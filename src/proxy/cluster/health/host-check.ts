/** The checks of one host, one after the other: when the next one is, how long it may take, what it means. */
import { Timer } from '../../../core/timer-wheel.ts';
import type { SocketOptions } from '../../../core/runtime.ts';
import type { HealthCheckConfig } from '../../../snapshot/health-check-config.ts';
import type { EndpointAddress } from '../../../snapshot/snapshot.ts';
import type { ClusterWorld } from '../cluster-world.ts';
import type { DialTarget } from '../dial.ts';
import type { EndpointState } from '../endpoint-state.ts';
import type { UpstreamTransport } from '../upstream-transport.ts';
import { afterCheck, type CheckState, UNCHECKED } from './check-verdict.ts';
import type { Probe, ProbeOwner } from './probe.ts';

/** When as many checks as there may be are under way. */
const LATER_MS = 50;

export interface HostCheckOwner {
  readonly config: HealthCheckConfig;
  readonly world: ClusterWorld;
  readonly hasTraffic: boolean;
  createProbe(host: EndpointState, owner: ProbeOwner): Probe;
  verdict(check: HostCheck, fault: string): void;
}

export class HostCheck extends Timer implements ProbeOwner, DialTarget {
  readonly host: EndpointState;
  readonly #owner: HostCheckOwner;
  readonly #probe: Probe;
  #state: CheckState = UNCHECKED;
  #isAsking = false;

  constructor(host: EndpointState, owner: HostCheckOwner) {
    super();
    this.host = host;
    this.#owner = owner;
    this.#probe = owner.createProbe(host, this);
  }

  get isDecided(): boolean {
    return this.#state.verdict !== 'unknown';
  }

  get address(): EndpointAddress {
    const { address, check } = this.host.endpoint;
    return check.port === 0 || address.kind !== 'socket' ? address : { ...address, port: check.port };
  }

  get transport(): UpstreamTransport | null {
    return this.host.transport;
  }

  get socket(): SocketOptions | null {
    return this.host.socket;
  }

  get announces(): 0 | 1 | 2 {
    return this.host.announces;
  }

  get isForward(): boolean {
    return false;
  }

  /** What a check meets says nothing to the pools: its port may be another one. */
  connected(): void {}
  connectFailed(): void {}

  start(): void {
    const { initialJitterMs } = this.#owner.config;
    this.#arm(initialJitterMs === 0 ? 0 : this.#random() * initialJitterMs);
  }

  stop(): void {
    this.#owner.world.dialer.timers.disarm(this);
    this.#release();
    this.#probe.cancel();
  }

  override fire(): void {
    if (this.#isAsking) {
      this.#probe.cancel();
      this.probed('no answer in time', false);
      return;
    }
    const { world, config } = this.#owner;
    if (!world.checks.take()) return this.#arm(LATER_MS);
    this.#isAsking = true;
    this.#arm(config.timeoutMs);
    this.#probe.run(this);
  }

  probed(fault: string, decisive: boolean): void {
    if (!this.#isAsking) return;
    this.#release();
    const { config, hasTraffic } = this.#owner;
    const before = this.#state.verdict;
    this.#state = afterCheck(this.#state, fault === '', decisive, config);
    const { verdict } = this.#state;
    const whenQuiet = verdict === 'well' ? config.noTrafficHealthyIntervalMs : config.noTrafficIntervalMs;
    const whenWell = hasTraffic ? config.intervalMs : whenQuiet;
    const intervalMs = verdict === 'failing' ? config.unhealthyIntervalMs : whenWell;
    const maxJitterMs = config.intervalJitterMs + (intervalMs * config.intervalJitterPercent) / 100;
    this.#arm(intervalMs + (maxJitterMs === 0 ? 0 : this.#random() * maxJitterMs));
    if (verdict !== before) this.#owner.verdict(this, verdict === 'failing' ? fault : '');
  }

  #release(): void {
    if (this.#isAsking) this.#owner.world.checks.give();
    this.#isAsking = false;
  }

  #arm(delayMs: number): void {
    this.#owner.world.dialer.timers.arm(this, delayMs);
  }

  #random(): number {
    return this.#owner.world.dialer.runtime.random.next();
  }
}
