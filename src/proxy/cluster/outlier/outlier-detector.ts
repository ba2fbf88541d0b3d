/**
 * Takes hosts of a cluster out because of how they answer, and lets them back, by the rules of Envoy's outlier detection.
 * It sleeps while nothing happens.
 */
import type { Random } from '../../../core/runtime.ts';
import { Timer } from '../../../core/timer-wheel.ts';
import type { OutlierConfig } from '../../../snapshot/outlier-config.ts';
import type { ClusterWorld } from '../cluster-world.ts';
import type { EndpointState } from '../endpoint-state.ts';
import type { OutlierCause } from './ejection-cause.ts';
import { HostMonitor, type MonitorOwner } from './host-monitor.ts';
import { failsTooOften, type HostRate, haveVolume, isBelow, successThreshold } from './rates.ts';

export class OutlierDetector extends Timer implements MonitorOwner {
  readonly #cluster: string;
  readonly #world: ClusterWorld;
  readonly #random: Random;
  #config: OutlierConfig;
  #hosts: readonly EndpointState[] = [];
  #intervalEndsAt = 0;

  constructor(cluster: string, config: OutlierConfig, world: ClusterWorld) {
    super();
    this.#cluster = cluster;
    this.#config = config;
    this.#world = world;
    this.#random = world.dialer.runtime.random;
  }

  update(config: OutlierConfig, hosts: readonly EndpointState[]): void {
    this.#config = config;
    this.#hosts = hosts;
    for (const host of hosts) {
      host.monitor ??= new HostMonitor(config, this);
      host.monitor.config = config;
    }
  }

  /** Everybody is let back. */
  stop(): void {
    this.#world.dialer.timers.disarm(this);
    for (const host of this.#hosts) {
      host.monitor = null;
      host.judge();
    }
    this.#hosts = [];
  }

  noted(): void {
    if (this.armed) return;
    this.#intervalEndsAt = this.#now() + this.#config.intervalMs;
    this.#world.dialer.timers.arm(this, this.#config.intervalMs);
  }

  reached(monitor: HostMonitor, cause: OutlierCause): void {
    const host = this.#hosts.find((each) => each.monitor === monitor);
    if (host !== undefined) this.#detected(host, cause, this.#enforcing(cause));
  }

  override fire(): void {
    const now = this.#now();
    for (const host of this.#hosts) {
      const ejection = host.monitor?.ejection;
      if (ejection && ejection.until <= now) this.#letBack(host);
    }
    if (now >= this.#intervalEndsAt) {
      this.#intervalEndsAt = now + this.#config.intervalMs;
      this.#endInterval();
    }
    this.#armAgain(now);
  }

  #endInterval(): void {
    const { splitLocalOrigin } = this.#config;
    this.#judgeRates('success-rate', 'failure-percentage', externalRate);
    if (splitLocalOrigin) this.#judgeRates('local-origin-success-rate', 'local-origin-failure-percentage', localRate);
    for (const { monitor } of this.#hosts) {
      if (monitor === null) continue;
      if (monitor.ejection === null && monitor.backOff > 0) monitor.backOff--;
      monitor.startInterval();
    }
  }

  #judgeRates(
    successCause: OutlierCause,
    failureCause: OutlierCause,
    rateOf: (monitor: HostMonitor) => HostRate,
  ): void {
    const { successRate, failurePercentage } = this.#config;
    const judged = this.#hosts.flatMap((host) =>
      host.monitor === null || host.monitor.ejection !== null ? [] : [{ host, rate: rateOf(host.monitor) }],
    );
    const rates = judged.map(({ rate }) => rate);
    const threshold = successThreshold(rates, successRate);
    const hasVolume = haveVolume(rates, failurePercentage);
    for (const { host, rate } of judged) {
      if (isBelow(rate, threshold, successRate)) this.#detected(host, successCause, successRate.enforcingPercent);
      if (hasVolume && failsTooOften(rate, failurePercentage)) {
        this.#detected(host, failureCause, failurePercentage.enforcingPercent);
      }
    }
  }

  #enforcing(cause: OutlierCause): number {
    const { consecutive5xx, consecutiveGateway, consecutiveLocalOrigin } = this.#config;
    if (cause === 'consecutive-5xx') return consecutive5xx.enforcingPercent;
    return (cause === 'consecutive-gateway' ? consecutiveGateway : consecutiveLocalOrigin).enforcingPercent;
  }

  #detected(host: EndpointState, cause: OutlierCause, enforcingPercent: number): void {
    if (host.monitor === null || host.monitor.ejection !== null) return;
    this.#count('weft_outlier_detected_total', cause);
    if (enforcingPercent === 0 || this.#random.next() * 100 >= enforcingPercent) return;
    if (this.#mayEject()) this.#eject(host, host.monitor, cause);
    else this.#count('weft_outlier_overflow_total', cause);
  }

  /** Fewer than the maximum are out: so the first always may be, as in Envoy. */
  #mayEject(): boolean {
    const out = this.#hosts.filter((host) => host.monitor?.ejection).length;
    return (100 * out) / this.#hosts.length < this.#config.maxEjectionPercent;
  }

  #eject(host: EndpointState, monitor: HostMonitor, cause: OutlierCause): void {
    const { baseEjectionMs, maxEjectionMs, ejectionJitterMs } = this.#config;
    if (baseEjectionMs * monitor.backOff < maxEjectionMs) monitor.backOff++;
    const jitterMs = ejectionJitterMs === 0 ? 0 : this.#random.next() * ejectionJitterMs;
    const durationMs = Math.round(Math.min(baseEjectionMs * monitor.backOff, maxEjectionMs) + jitterMs);
    const now = this.#now();
    monitor.ejection = { cause, until: now + durationMs };
    this.#count('weft_outlier_ejected_total', cause);
    this.#say('host ejected', host, { cause, durationMs });
    host.judge();
    this.noted();
    this.#armAgain(now);
  }

  #letBack(host: EndpointState): void {
    if (host.monitor === null) return;
    host.monitor.ejection = null;
    host.monitor.forget();
    this.#say('host is back after its ejection', host, {});
    host.judge();
  }

  /** For the end of the interval or of an ejection, whichever comes first; not at all when nothing is to be seen. */
  #armAgain(now: number): void {
    const { timers } = this.#world.dialer;
    let dueAt = Number.POSITIVE_INFINITY;
    for (const { monitor } of this.#hosts) {
      if (monitor === null) continue;
      const hasRates = monitor.requests + monitor.localRequests > 0;
      if (hasRates || monitor.backOff > 0) dueAt = Math.min(dueAt, this.#intervalEndsAt);
      if (monitor.ejection !== null) dueAt = Math.min(dueAt, monitor.ejection.until);
    }
    if (dueAt < Number.POSITIVE_INFINITY) timers.arm(this, dueAt - now);
    else timers.disarm(this);
  }

  #count(name: string, cause: OutlierCause): void {
    this.#world.telemetry.counters.counter(name, { cluster: this.#cluster, cause }).add(1);
  }

  #say(what: string, { key, endpoint }: EndpointState, more: Readonly<Record<string, string | number>>): void {
    const { throttle, log } = this.#world;
    if (!throttle.allows(`${what} ${this.#cluster} ${key}`)) return;
    log.warn(what, { cluster: this.#cluster, endpoint: key, workload: endpoint.workload, ...more });
  }

  #now(): number {
    return this.#world.dialer.runtime.clock.now();
  }
}

function externalRate({ requests, failures }: HostMonitor): HostRate {
  return { requests, failures };
}

function localRate({ localRequests, localFailures }: HostMonitor): HostRate {
  return { requests: localRequests, failures: localFailures };
}
