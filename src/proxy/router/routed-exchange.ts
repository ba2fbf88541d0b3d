/**
 * Where a request goes: its route, the filters of the route, and the cluster, waiting for what has to be asked for. Between
 * what is remembered of an exchange and what it does with its bodies; the router's own words for "there is no such thing".
 */
import type { BodyStage, Exchange } from '../../http/exchange.ts';
import type { Filter } from '../../http/filter.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import { CONTINUE, REPLIED, SUSPENDED, type Verdict } from '../../http/verdict.ts';
import { pickCluster } from '../../snapshot/balance/pick-cluster.ts';
import { matchHost, matchRoute } from '../../snapshot/match-route.ts';
import type { SubsetMatch } from '../../snapshot/subset-match.ts';
import type { ForwardAction, RouteEntry, RouteTable } from '../../snapshot/route-table.ts';
import { virtualHostName } from '../../snapshot/virtual-hosts.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Binding } from './binding.ts';
import type { Downstream } from './downstream.ts';
import { askOfRequest, askOfResponse, tellOfEnd } from './filter-run.ts';
import { type Mirrors, startMirrors } from './mirrors.ts';
import { DEMAND, type DemandWaiter } from './on-demand.ts';
import type { RequestBody } from './request-body.ts';
import { cameOverTls } from './origin-fields.ts';
import { TimedExchange } from './timed-exchange.ts';

const NO_FILTERS: readonly Filter[] = [];

export abstract class RoutedExchange extends TimedExchange implements Exchange, DemandWaiter {
  #binding: Binding;
  #filters: readonly Filter[] = NO_FILTERS;
  /** The filter that is asked, or the number of those that have been. */
  #at = 0;
  #isRerouted = false;
  /** The virtual host was asked for, or may not be. */
  #hasAskedHost = false;
  /** The cluster that was asked for; empty: none was. */
  #askedCluster = '';
  /** Which hosts of the cluster will do; null: all. */
  protected subset: SubsetMatch | null = null;

  constructor(down: Downstream, request: Head) {
    super(down, request);
    this.#binding = down.world.binding();
  }

  abstract override reply(
    status: number,
    flag: ResponseFlag,
    detail: string,
    body?: string,
    grpcStatus?: number,
  ): Verdict;
  abstract stage(direction: 'request' | 'response', stage: BodyStage): void;
  /** The filters have let it pass. */
  protected abstract forward(): void;
  /** What the virtual host wants of requests that come without it. */
  protected abstract redirectToTls(): Verdict;

  resume(): void {
    if (this.ended) return;
    this.#at++;
    this.#runFilters();
  }

  reroute(): Verdict {
    if (this.#isRerouted) return CONTINUE;
    this.#isRerouted = true;
    this.#hasAskedHost = true;
    return this.#matchRoute();
  }

  demandSettled(): void {
    if (this.ended) return;
    this.#binding = this.down.world.binding();
    if (this.#askedCluster !== '') this.forward();
    else this.enterRoute();
  }

  /** Finds the route and asks its filters. */
  protected enterRoute(): void {
    if (this.#matchRoute() === CONTINUE) this.#runFilters();
  }

  /** null: it is asked for or was replied to; where it comes, `forward` is called again. */
  protected chooseCluster({ clusters, notFoundStatus }: ForwardAction): Cluster | null {
    const { random } = this.down.world.runtime;
    let name = this.#askedCluster;
    if (name === '') {
      const picked = pickCluster(clusters, clusters.length > 1 ? random.next() : 0);
      name = picked.header === null ? picked.name : (this.request.value(picked.header) ?? '');
      this.subset = picked.subset;
    }
    const cluster = this.#binding.cluster(name);
    if (name === '') this.reply(notFoundStatus, 'NC', `no field of the request names a cluster of ${this.routeName}`);
    else if (cluster === null) this.#askCluster(name, notFoundStatus);
    else cluster.isUsed = true;
    return cluster;
  }

  protected startMirrors({ mirrors, timeoutMs }: ForwardAction, hash: number, body: RequestBody): Mirrors | null {
    const { world } = this.down;
    const ends = { destination: this.destination(), source: this.source() };
    const of = { world, authority: this.authority(), ...ends, hash, timeoutMs };
    return startMirrors(mirrors, of, this.#binding, this.request, body);
  }

  /** Whether a filter has answered in the place of the response. */
  protected filtersReply(): boolean {
    return this.#filters.length > 0 && askOfResponse(this.#filters, this) === REPLIED;
  }

  protected tellFilters(): void {
    tellOfEnd(this.#filters, this, this.#at);
  }

  #runFilters(): void {
    this.#at = askOfRequest(this.#filters, this, this.#at);
    if (this.#at === this.#filters.length && !this.ended) this.forward();
  }

  #matchRoute(): Verdict {
    const table = this.#binding.routes(this.down.manager);
    const entry = table === null ? null : matchRoute(table, this.request, this.down.world.runtime.random.next());
    if (table !== null && table.requiresTls && this.#lacksTls(table)) return this.redirectToTls();
    if (entry === null) {
      if (table !== null && table.onDemand) return this.#askHost(table);
      const { authorityText, pathText } = this.request;
      return this.reply(404, 'NR', `no route for ${authorityText}${pathText.slice(0, 200)}`);
    }
    if (entry.mark !== null) entry.mark.used = true;
    this.entry = entry.split === null ? entry : this.#part(entry, entry.split);
    const { edits } = this.entry;
    if (edits !== null && edits.formatted) this.keepNotes();
    this.#filters = this.down.filters.chain(this.entry);
    return CONTINUE;
  }

  #lacksTls(table: RouteTable): boolean {
    const host = table.hosts[matchHost(table, this.request)];
    return host !== undefined && host.requiresTls && !cameOverTls(this.request, this.down.info);
  }

  /** Its filters depend on the cluster, so that is chosen before they are asked. */
  #part(entry: RouteEntry, parts: readonly RouteEntry[]): RouteEntry {
    if (entry.action.kind !== 'forward') return entry;
    const { clusters } = entry.action;
    const picked = pickCluster(clusters, this.down.world.runtime.random.next());
    return parts[clusters.indexOf(picked)] ?? entry;
  }

  #askHost({ name: table }: RouteTable): Verdict {
    const { manager, world } = this.down;
    const { authorityText, pathText } = this.request;
    const name = virtualHostName(table, authorityText);
    const mayAsk = manager.demandMs > 0 && !this.#hasAskedHost;
    this.#hasAskedHost = true;
    if (mayAsk && world.demand.ask('host', name, manager.demandMs, this) === DEMAND.waits) return SUSPENDED;
    const why = world.demand.why('host', name);
    if (why === null) return this.reply(404, 'NR', `no route for ${authorityText}${pathText.slice(0, 200)}`);
    return this.reply(503, 'NC', `no route for ${authorityText}: ${why}`);
  }

  #askCluster(name: string, notFoundStatus: number): void {
    const { manager, world } = this.down;
    const mayAsk = manager.clustersOnDemand && this.#askedCluster === '';
    this.#askedCluster = name;
    if (mayAsk && world.demand.ask('cluster', name, manager.demandMs, this) === DEMAND.waits) return;
    const why = world.demand.why('cluster', name);
    const detail = `the route ${this.routeName} names the unknown cluster ${name}`;
    if (why === null) this.reply(notFoundStatus, 'NC', detail);
    else this.reply(503, 'NC', `${detail}: ${why}`);
  }
}
