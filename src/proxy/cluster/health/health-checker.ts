/** Active health checks of one cluster: one HostCheck a host, over the same transport as its traffic. */
import type { HealthCheckConfig } from '../../../snapshot/health-check-config.ts';
import type { ClusterConfig } from '../../../snapshot/snapshot.ts';
import type { ClusterWorld } from '../cluster-world.ts';
import type { EndpointState } from '../endpoint-state.ts';
import { createProbe } from './create-probe.ts';
import { HostCheck, type HostCheckOwner } from './host-check.ts';
import type { Probe, ProbeOwner } from './probe.ts';

export class HealthChecker implements HostCheckOwner {
  readonly world: ClusterWorld;
  config: HealthCheckConfig;
  readonly #settled: () => void;
  #cluster: ClusterConfig;
  #checks = new Map<EndpointState, HostCheck>();
  #isSettled = true;

  /** `settled` is told when every host has been asked once. */
  constructor(cluster: ClusterConfig, config: HealthCheckConfig, world: ClusterWorld, settled: () => void) {
    this.#cluster = cluster;
    this.config = config;
    this.world = world;
    this.#settled = settled;
  }

  /** All have been asked once, or were when others joined: those keep nobody waiting. */
  get isSettled(): boolean {
    return this.#isSettled;
  }

  get hasTraffic(): boolean {
    for (const host of this.#checks.keys()) if (host.requests > 0) return true;
    return false;
  }

  /** New hosts count as unhealthy until they have been asked, as in Envoy. */
  update(cluster: ClusterConfig, config: HealthCheckConfig, hosts: readonly EndpointState[]): void {
    // Another question needs other probes; what was found out so far stays until it is answered.
    const isSame = JSON.stringify(config) === JSON.stringify(this.config);
    this.#cluster = cluster;
    this.config = config;
    const before = this.#checks;
    this.#checks = new Map();
    for (const host of hosts) {
      if (host.endpoint.check.disabled) continue;
      const known = before.get(host);
      if (known !== undefined && isSame) {
        before.delete(host);
        this.#checks.set(host, known);
        continue;
      }
      if (known === undefined) host.toldByCheck('not checked yet', true);
      const check = new HostCheck(host, this);
      this.#checks.set(host, check);
      check.start();
    }
    for (const [host, check] of before) {
      check.stop();
      if (!this.#checks.has(host)) host.toldByCheck('', false);
    }
    const checks = [...this.#checks.values()];
    const decided = checks.filter(({ isDecided }) => isDecided).length;
    this.#isSettled = decided === checks.length || (this.#isSettled && decided > 0);
  }

  /** Nobody is asked any more, and nobody is out for what was answered. */
  stop(): void {
    for (const [host, check] of this.#checks) {
      check.stop();
      host.toldByCheck('', false);
    }
    this.#checks.clear();
    this.#isSettled = true;
  }

  createProbe(host: EndpointState, owner: ProbeOwner): Probe {
    return createProbe(this.config, this.#cluster, host, this.world.dialer, owner);
  }

  verdict({ host }: HostCheck, fault: string): void {
    const { name } = this.#cluster;
    const result = fault === '' ? 'healthy' : 'unhealthy';
    this.world.telemetry.counters.counter('weft_health_check_verdicts_total', { cluster: name, result }).add(1);
    if (this.world.throttle.allows(`check ${name} ${host.key}`)) {
      const about = { cluster: name, endpoint: host.key, workload: host.endpoint.workload };
      if (fault === '') this.world.log.info('host passes its health check', about);
      else this.world.log.warn('host fails its health check', { ...about, reason: fault });
    }
    host.toldByCheck(fault, false);
    this.#isSettled ||= [...this.#checks.values()].every(({ isDecided }) => isDecided);
    if (this.#isSettled) this.#settled();
  }
}
