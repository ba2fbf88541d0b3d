/**
 * Why a request goes where it goes, step by step, from the functions that decide it in the proxy. Asked before a request
 * is made (CLI, API server) or after; pure over a snapshot, a head and what is known of the connection.
 */
import type { Decision, Facts } from '../http/filter.ts';
import type { Head } from '../http/head.ts';
import { effectiveFilters } from './effective-filters.ts';
import { type ChainFacts, matchChain, whyNoChain } from './match-chain.ts';
import { viewSubset } from './explain-subset.ts';
import { matchHost, matchRoute } from './match-route.ts';
import type { FilterModules } from './read/http-filters.ts';
import type { HttpFilterConfig, RouteEntry, RouteTable, WeightedCluster } from './route-table.ts';
import type { Endpoint, FilterChain, HttpManager, ListenerConfig, Snapshot } from './snapshot.ts';

export interface Step {
  readonly stage: 'listener' | 'chain' | 'host' | 'route' | 'filter' | 'cluster' | 'endpoint' | 'callee';
  /** What was chosen; empty: nothing, and the explanation ends here. */
  readonly name: string;
  /** One clause. */
  readonly why: string;
  /** The object that caused it, from the metadata; empty when unknown. */
  readonly origin: string;
}

export interface Question {
  readonly listener: string;
  readonly connection: ChainFacts;
  /** null: a TCP connection. */
  readonly head: Head | null;
  readonly facts: Facts;
  /** Decides route fractions, uniform in [0, 1). */
  readonly random01: number;
}

/** What only the running proxy knows. */
export interface LiveFacts {
  /** What is in use of the limits of a cluster, one clause; empty: it is not known. */
  clusterState(cluster: string): string;
  /** Why an endpoint gets nothing now, or null: it does. Keys are those of `Endpoint`. */
  endpointFault(cluster: string, endpoint: string): string | null;
  /** What it does now and did before, one clause; empty: it is not known. */
  endpointState(cluster: string, endpoint: string): string;
}

export function explain(
  snapshot: Snapshot,
  modules: FilterModules,
  live: LiveFacts,
  question: Question,
): readonly Step[] {
  const steps: Step[] = [];
  const listener = snapshot.listeners.get(question.listener);
  if (listener === undefined) return [missing('listener', `no listener ${question.listener} in this snapshot`)];
  steps.push(step('listener', listener.name, describeListener(listener), listener.origin));
  const chain = matchChain(listener, question.connection);
  if (chain === null) return [...steps, missing('chain', whyNoChain(listener, question.connection))];
  steps.push(step('chain', chain.name, describeChain(listener, chain)));
  for (const filter of chain.filters) {
    const module = modules.get(filter.type);
    if (module?.layer !== 'connection') continue;
    const decision = verdict(module.decide(module.read(filter.config), question.facts));
    steps.push(step('filter', filter.name, decision.why, decision.origin));
    if (!decision.allowed) return steps;
  }
  if (chain.network.kind === 'tcp') return [...steps, ...explainClusters(snapshot, live, chain.network.clusters)];
  if (question.head === null) return [...steps, missing('route', 'the chain speaks HTTP and no request was given')];
  return [...steps, ...explainHttp(snapshot, modules, live, chain.network, question.head, question)];
}

function explainHttp(
  snapshot: Snapshot,
  modules: FilterModules,
  live: LiveFacts,
  manager: HttpManager,
  head: Head,
  question: Question,
): readonly Step[] {
  const { routes } = manager;
  const table = typeof routes === 'string' ? snapshot.routes.get(routes) : routes;
  if (table === undefined) return [missing('host', `the routes ${manager.statPrefix} asks for have not come`)];
  const host = table.hosts[matchHost(table, head)];
  if (host === undefined) return [missing('host', `no domain of ${table.name} matches ${head.authorityText}`)];
  const steps = [step('host', host.name, `its domains are ${host.domains.join(', ')}`)];
  const route = matchRoute(table, head, question.random01);
  if (route === null)
    return [...steps, missing('route', `no route of ${host.name} matches ${head.methodText} ${head.pathText}`)];
  steps.push(step('route', route.info.name, describeMatch(table, route), route.info.origin));
  for (const filter of effectiveFilters(manager.filters, route.overrides)) {
    const decision = decide(modules, filter, head, question.facts);
    steps.push(step('filter', filter.name, decision.why, decision.origin));
    if (!decision.allowed) return steps;
  }
  const action = route.action;
  if (action.kind !== 'forward') return [...steps, missing('cluster', `the route answers ${action.status} itself`)];
  return [...steps, ...explainClusters(snapshot, live, action.clusters)];
}

function decide(modules: FilterModules, filter: HttpFilterConfig, head: Head, facts: Facts): Explained {
  const module = modules.get(filter.type);
  if (module === undefined || module.layer === 'connection' || module.decide === undefined) {
    return { allowed: true, why: 'decides nothing by itself', origin: '' };
  }
  return verdict(module.decide(module.read(filter.config), head, facts));
}

interface Explained {
  readonly allowed: boolean;
  readonly why: string;
  readonly origin: string;
}

function verdict({ allowed, rule, origin = '' }: Decision): Explained {
  return { allowed, why: `${allowed ? 'allowed' : 'refused'} by ${rule}`, origin };
}

function explainClusters(snapshot: Snapshot, live: LiveFacts, clusters: readonly WeightedCluster[]): readonly Step[] {
  const total = clusters.reduce((sum, cluster) => sum + cluster.weight, 0);
  return clusters.flatMap(({ name, header, weight, subset }) => {
    if (header !== null) return [missing('cluster', `the request says it in ${header.text}`)];
    const config = snapshot.clusters.get(name);
    if (config === undefined) return [missing('cluster', `cluster ${name} does not exist`)];
    const share = clusters.length === 1 ? 'the only one' : `${Math.round((weight / total) * 1000) / 10} % of requests`;
    const set = config.discovery === 'eds' ? snapshot.endpoints.get(config.edsName) : config.inline;
    const { why, has } = viewSubset(config.balance.subsets, subset, set?.endpoints ?? []);
    const how = clauses(`${share}; ${config.balance.policy}`, why, live.clusterState(name));
    const found = [step('cluster', name, how, config.origin)];
    if (config.discovery === 'dynamic-forward' || config.discovery === 'original-dst') return found;
    if (set === undefined || set === null)
      return [...found, missing('endpoint', `no assignment for ${config.edsName}`)];
    if (set.endpoints.length === 0) return [...found, missing('endpoint', 'the assignment is empty')];
    for (const endpoint of set.endpoints) {
      const fault = faultOf(endpoint) ?? (has(endpoint) ? live.endpointFault(name, endpoint.key) : 'not in the subset');
      const whose = endpoint.workload === '' ? '' : `workload ${endpoint.workload}, `;
      const how = `${whose}${fault ?? `weight ${endpoint.weight}`}`;
      found.push(step('endpoint', endpoint.key, clauses(how, live.endpointState(name, endpoint.key))));
    }
    return found;
  });
}

function clauses(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

function faultOf({ health }: Endpoint): string | null {
  return health === 'unhealthy' || health === 'draining' ? `${health}, says the control plane` : null;
}

function describeListener(listener: ListenerConfig): string {
  const place = listener.address === null ? 'inside this proxy' : `${listener.address.host}:${listener.address.port}`;
  return `${listener.direction}, at ${place}`;
}

function describeChain(listener: ListenerConfig, chain: FilterChain): string {
  if (chain === listener.defaultChain) return 'no other chain matches';
  const { destinationPort, serverNames, transportProtocol, applicationProtocols } = chain.match;
  const parts = [
    destinationPort === 0 ? '' : `port ${destinationPort}`,
    serverNames.length === 0 ? '' : `server name ${serverNames.join(' or ')}`,
    transportProtocol,
    applicationProtocols.length === 0 ? '' : `protocol ${applicationProtocols.join(' or ')}`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? 'it matches everything' : `it matches ${parts.join(', ')}`;
}

function describeMatch(table: RouteTable, { match }: RouteEntry): string {
  const headers = match.headers.map(
    (header) => `${header.invert ? 'not ' : ''}${header.name} ${header.kind} ${header.value}`,
  );
  const path = match.path.kind === 'regex' ? match.path.value.source : Buffer.from(match.path.value).toString('latin1');
  const what = match.connect ? 'CONNECT' : `path ${match.path.kind} ${path}`;
  return `first match in ${table.name}: ${[what, ...headers].join(', ')}`;
}

function step(stage: Step['stage'], name: string, why: string, origin = ''): Step {
  return { stage, name, why, origin };
}

function missing(stage: Step['stage'], why: string): Step {
  return step(stage, '', why);
}
