/**
 * How far each proxy follows, type by type: the control plane's account of its streams joined with the records of all
 * workloads, so that one that is registered and not connected shows too. Pure.
 */
import type { ProxyKind, Workload } from '../../api/kinds/workload.ts';
import { type ProxyStatus, type ProxyTypeStatus, type Refusal, refusalsOf } from '../mesh/mesh-status.ts';

/** `nack`: it serves the version before. `stale`: something is on its way. */
export type TypeState = 'synced' | 'stale' | 'nack';

export interface TypeSync {
  /** `Cluster` */
  readonly type: string;
  /** `CDS` */
  readonly service: string;
  readonly state: TypeState;
  /** When the state began, as far as it is known; null of `synced`. */
  readonly since: string | null;
  readonly acknowledged: number;
  readonly pending: readonly string[];
  readonly refused: readonly string[];
}

export interface ProxySync {
  /** `namespace/workload` */
  readonly node: string;
  readonly service: string;
  readonly kind: ProxyKind;
  /** As the proxy names itself; empty while it is not connected, or when it does not say. */
  readonly version: string;
  readonly state: TypeState | 'disconnected';
  /** null: it is not connected. */
  readonly connectedSince: string | null;
  readonly types: readonly TypeSync[];
  readonly refusals: readonly Refusal[];
}

/** By the name of the discovery service, in the order in which a change is sent. */
const SERVICES: ReadonlyMap<string, string> = new Map([
  ['Cluster', 'CDS'],
  ['ClusterLoadAssignment', 'EDS'],
  ['Listener', 'LDS'],
  ['RouteConfiguration', 'RDS'],
  ['VirtualHost', 'VHDS'],
  ['Secret', 'SDS'],
  ['TypedExtensionConfig', 'ECDS'],
]);

/** Which of them every proxy asks for, when it has something to ask. */
export const COMMON_SERVICES: readonly string[] = ['CDS', 'EDS', 'LDS', 'RDS', 'SDS'];

/** In order of names. A workload without a data plane is none. */
export function proxySyncs(proxies: readonly ProxyStatus[], workloads: readonly Workload[]): ProxySync[] {
  const connected = new Map(proxies.map((proxy) => [proxy.node, proxy]));
  const records = new Map(workloads.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]));
  const nodes = [...new Set([...records.keys(), ...connected.keys()])].toSorted();
  return nodes.flatMap((node) => {
    const [record, proxy] = [records.get(node), connected.get(node)];
    const kind = record?.spec?.proxy ?? kindOf(proxy);
    if (proxy === undefined && kind === 'none') return [];
    const types = (proxy?.types ?? []).map(typeSync).toSorted((a, b) => rank(a) - rank(b));
    return [
      {
        node,
        service: record?.spec?.service ?? proxy?.service ?? '',
        kind,
        version: proxy?.userAgent ?? '',
        state: proxy === undefined ? 'disconnected' : worst(types),
        connectedSince: proxy?.connectedSince ?? null,
        types,
        refusals: proxy === undefined ? [] : refusalsOf(proxy),
      },
    ];
  });
}

function typeSync({ type, acknowledged, pending, pendingSince, refused, nacks }: ProxyTypeStatus): TypeSync {
  const state = refused.length > 0 ? 'nack' : pending.length > 0 ? 'stale' : 'synced';
  const refusedAt = nacks.map(({ since }) => since).toSorted()[0] ?? null;
  const since = state === 'nack' ? refusedAt : state === 'stale' ? pendingSince : null;
  return { type, service: SERVICES.get(type) ?? type, state, since, acknowledged, pending, refused };
}

function worst(types: readonly TypeSync[]): TypeState {
  return (['nack', 'stale'] as const).find((state) => types.some((type) => type.state === state)) ?? 'synced';
}

/** What it said of itself when it connected. */
function kindOf(proxy: ProxyStatus | undefined): ProxyKind {
  const kind = proxy?.kind;
  return kind === 'envoy' || kind === 'grpc' || kind === 'none' ? kind : 'weft';
}

function rank({ type }: TypeSync): number {
  const index = [...SERVICES.keys()].indexOf(type);
  return index === -1 ? SERVICES.size : index;
}
