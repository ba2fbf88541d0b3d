/**
 * The hosts of a strict-dns cluster: every address of its names is a host of its own, looked up again and again. What was
 * found last serves on while a name cannot be resolved.
 */
import { messageOf } from '../../core/errors.ts';
import type { ResolvedAddress } from '../../core/runtime.ts';
import { Timer } from '../../core/timer-wheel.ts';
import type { DnsConfig } from '../../snapshot/dns-config.ts';
import { backOffMs } from '../../snapshot/retry-plan.ts';
import { keyOf } from '../../snapshot/endpoint-key.ts';
import type { Endpoint, EndpointSet } from '../../snapshot/snapshot.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { isIpLiteral } from './resolve-cache.ts';

/** Of one name: a resolver that answers with thousands must not make as many hosts. */
const MAX_ADDRESSES = 256;

export class NamedHosts extends Timer {
  readonly #world: ClusterWorld;
  readonly #cluster: string;
  readonly #changed: (endpoints: EndpointSet) => void;
  readonly #addresses = new Map<string, readonly string[]>();
  #set: EndpointSet;
  #dns: DnsConfig;
  #asking = 0;
  /** Answers to questions of an earlier set are late. */
  #round = 0;
  #last = '';
  /** In this round. */
  #hasFailed = false;
  /** Rounds in a row. */
  #failures = 0;

  /** `changed` is told whenever the addresses differ, and once when the first answers, good or bad, are there. */
  constructor(
    cluster: string,
    set: EndpointSet,
    dns: DnsConfig,
    world: ClusterWorld,
    changed: (endpoints: EndpointSet) => void,
  ) {
    super();
    this.#cluster = cluster;
    this.#set = set;
    this.#dns = dns;
    this.#world = world;
    this.#changed = changed;
    this.#ask();
  }

  watch(set: EndpointSet, dns: DnsConfig): void {
    const isSame = set === this.#set && dns.family === this.#dns.family;
    this.#dns = dns;
    if (isSame) return;
    this.#set = set;
    this.#last = '';
    this.#ask();
  }

  stop(): void {
    this.#round++;
    this.#world.dialer.timers.disarm(this);
  }

  override fire(): void {
    this.#ask();
  }

  #ask(): void {
    const round = ++this.#round;
    const names = namesOf(this.#set);
    for (const name of this.#addresses.keys()) if (!names.includes(name)) this.#addresses.delete(name);
    this.#asking = names.length;
    this.#hasFailed = false;
    const { net } = this.#world.dialer.runtime;
    for (const name of names) {
      net.resolve(name).then(
        (found) => this.#answered(round, name, found),
        (error: unknown) => this.#unanswered(round, name, messageOf(error)),
      );
    }
    if (names.length === 0) this.#tell();
  }

  #answered(round: number, name: string, found: readonly ResolvedAddress[]): void {
    if (round !== this.#round) return;
    const hosts = ofFamily(found, this.#dns.family).map(({ host }) => host);
    this.#addresses.set(name, [...new Set(hosts)].toSorted().slice(0, MAX_ADDRESSES));
    this.#answerDone();
  }

  #unanswered(round: number, name: string, reason: string): void {
    if (round !== this.#round) return;
    const { throttle, log } = this.#world;
    this.#hasFailed = true;
    if (throttle.allows(`resolve ${name}`)) log.warn('cannot resolve', { cluster: this.#cluster, name, reason });
    this.#answerDone();
  }

  #answerDone(): void {
    if (--this.#asking > 0) return;
    this.#tell();
    this.#failures = this.#hasFailed ? this.#failures + 1 : 0;
    const { failure, refreshMs } = this.#dns;
    const { random } = this.#world.dialer.runtime;
    const isSoon = this.#hasFailed && failure !== null;
    this.#world.dialer.timers.arm(this, isSoon ? backOffMs(failure, this.#failures, random.next()) : refreshMs);
  }

  #tell(): void {
    const endpoints = this.#set.endpoints.flatMap((endpoint) => this.#expand(endpoint));
    const unique = [...new Map(endpoints.map((endpoint) => [endpoint.key, endpoint])).values()];
    const now = `:${unique.map(({ key }) => key).join(' ')}`;
    if (now === this.#last) return;
    this.#last = now;
    this.#changed({ ...this.#set, endpoints: unique });
  }

  #expand(endpoint: Endpoint): readonly Endpoint[] {
    const { address } = endpoint;
    if (address.kind !== 'socket') return [endpoint];
    const name = endpoint.hostname || address.host;
    if (isIpLiteral(address.host)) return [{ ...endpoint, hostname: name }];
    return (this.#addresses.get(address.host) ?? []).map((host) => {
      const resolved = { ...address, host };
      const { check } = endpoint;
      const hostname = check.hostname || address.host;
      return { ...endpoint, address: resolved, key: keyOf(resolved), hostname: name, check: { ...check, hostname } };
    });
  }
}

/** `auto`: the resolver puts first what this machine can reach; addresses of the other family would only fail. */
function ofFamily(found: readonly ResolvedAddress[], family: DnsConfig['family']): readonly ResolvedAddress[] {
  const only = (wanted: number | undefined) => found.filter((each) => each.family === wanted);
  switch (family) {
    case 'all':
      return found;
    case 'v4':
      return only(4);
    case 'v6':
      return only(6);
    case 'v4-preferred':
      return found.some((each) => each.family === 4) ? only(4) : found;
    case 'auto':
      return only(found[0]?.family);
  }
}

function namesOf({ endpoints }: EndpointSet): readonly string[] {
  const hosts = endpoints.flatMap(({ address }) => (address.kind === 'socket' ? [address.host] : []));
  return [...new Set(hosts)].filter((host) => !isIpLiteral(host));
}
