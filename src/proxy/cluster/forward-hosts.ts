/**
 * Endpoints that come out of requests instead of the control plane: hosts outside of the mesh, by the authority that a
 * request names (Envoy's dynamic_forward_proxy). Bounded, the longest unused one goes first.
 */
import type { Address } from '../../core/runtime.ts';
import { DEFAULT_CHECK } from '../../snapshot/health-check-config.ts';
import { EndpointState } from './endpoint-state.ts';
import type { HostOwner } from './host-owner.ts';

const MAX_HOSTS = 512;
const NOWHERE = { region: '', zone: '', subZone: '' };

export class ForwardHosts {
  readonly #proxy: Address | null;
  readonly #owner: HostOwner;
  /** In the order of use. */
  readonly #byKey = new Map<string, EndpointState>();

  /** With a proxy every host is reached through it; the proxy resolves names. */
  constructor(proxy: Address | null, owner: HostOwner) {
    this.#proxy = proxy;
    this.#owner = owner;
  }

  hosts(): readonly EndpointState[] {
    return [...this.#byKey.values()];
  }

  /** Null when the authority names no host or all places are in use. */
  find(authority: string): EndpointState | null {
    const address = this.#proxy ?? readAuthority(authority);
    if (address === null) return null;
    const key = `${address.host}:${address.port}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) {
      this.#byKey.delete(key);
      this.#byKey.set(key, known);
      return known;
    }
    if (this.#byKey.size >= MAX_HOSTS && !this.#evict()) return null;
    const made = new EndpointState(
      this.#owner,
      {
        key,
        address: { kind: 'socket', host: address.host, port: address.port },
        weight: 1,
        priority: 0,
        locality: NOWHERE,
        health: 'healthy',
        check: DEFAULT_CHECK,
        workload: '',
        transportLabels: {},
      },
      null,
      '',
      true,
    );
    this.#byKey.set(key, made);
    return made;
  }

  close(): void {
    for (const host of this.#byKey.values()) host.leave();
  }

  #evict(): boolean {
    for (const [key, host] of this.#byKey) {
      if (host.active > 0) continue;
      this.#byKey.delete(key);
      host.leave();
      return true;
    }
    return false;
  }
}

/** `host`, `host:port` or `[v6]:port`; port 80 when it is left out. */
function readAuthority(authority: string): Address | null {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(authority);
  const host = parts?.[1] ?? parts?.[2];
  const port = Number(parts?.[3] ?? 80);
  return host === undefined || port < 1 || port > 65_535 ? null : { host: host.toLowerCase(), port };
}
