/** What all listeners of a proxy share. */
import type { Limit } from '../../core/limit.ts';
import type { ConnectionFilter } from '../../http/filter.ts';
import type { FilterChain, HttpManager } from '../../snapshot/snapshot.ts';
import type { OwnAddresses } from '../cluster/own-addresses.ts';
import type { FilterSet } from '../router/downstream.ts';
import type { RouterWorld } from '../router/router-world.ts';
import type { ChainTls } from './chain-tls.ts';

export interface ListenerWorld {
  readonly router: RouterWorld;
  readonly own: OwnAddresses;
  /** Downstream connections of the whole proxy. */
  readonly connections: Limit;
  readonly chainTls: ChainTls;
  filters(manager: HttpManager): FilterSet;
  connectionFilters(chain: FilterChain): readonly ConnectionFilter[];
}
