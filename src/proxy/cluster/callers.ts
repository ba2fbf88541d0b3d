/**
 * The cluster that this proxy belongs to itself (Envoy's `local_cluster_name`): from where its hosts are, every other
 * cluster knows what share of the callers each zone has.
 */
import { HEALTH } from '../../snapshot/balance/balancer.ts';
import { isSame } from '../../snapshot/balance/locality-split.ts';
import type { CallerShare, OwnZone } from '../../snapshot/balance/own-zone.ts';
import type { Locality } from '../../snapshot/snapshot.ts';
import type { EndpointState } from './endpoint-state.ts';

export class Callers implements OwnZone {
  readonly locality: Locality;
  readonly cluster: string;
  callers: readonly CallerShare[] = [];
  #changed: () => void = () => {};
  #last = '';

  constructor(locality: Locality, cluster: string) {
    this.locality = locality;
    this.cluster = cluster;
  }

  /** `changed`: picks of all clusters must be planned anew. */
  watch(changed: () => void): void {
    this.#changed = changed;
  }

  /** Of the first priority, as in Envoy; where fewer are well than the cluster's own panic threshold says, nobody can say. */
  update(hosts: readonly EndpointState[], panicPercent: number): void {
    const members = hosts.filter(({ endpoint, health }) => endpoint.priority === 0 && health !== HEALTH.leaving);
    const healthy = members.filter(({ health }) => health === HEALTH.healthy);
    const isKnown = healthy.length > 0 && (100 * healthy.length) / members.length >= panicPercent;
    const callers = isKnown ? sharesOf(healthy) : [];
    const now = JSON.stringify(callers);
    if (now === this.#last) return;
    this.#last = now;
    this.callers = callers;
    this.#changed();
  }
}

function sharesOf(hosts: readonly EndpointState[]): readonly CallerShare[] {
  const counts: { readonly locality: Locality; hosts: number }[] = [];
  for (const { endpoint } of hosts) {
    const known = counts.find(({ locality }) => isSame(locality, endpoint.locality));
    if (known === undefined) counts.push({ locality: endpoint.locality, hosts: 1 });
    else known.hosts++;
  }
  return counts.map(({ locality, hosts: count }) => ({ locality, share: count / hosts.length }));
}
