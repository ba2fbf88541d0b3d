/** What a proxy with several streams has, as if it had one. */
import type { TypeStatus } from '../../xds/server/session.ts';
import type { ProxyStatus } from './proxy-stream.ts';

/** null for none. */
export function mergeStatuses(statuses: readonly ProxyStatus[]): ProxyStatus | null {
  const [first, ...more] = statuses;
  if (first === undefined || more.length === 0) return first ?? null;
  const types = new Map<string, TypeStatus>();
  for (const status of statuses.flatMap((each) => each.types)) {
    const other = types.get(status.type);
    types.set(status.type, other === undefined ? status : mergeTypes(other, status));
  }
  return {
    ...first,
    connectedSinceMs: Math.min(...statuses.map((status) => status.connectedSinceMs)),
    methods: [...new Set(statuses.flatMap((status) => status.methods))],
    types: [...types.values()],
  };
}

/** Of a name on both, what the second says: streams that share a name are rare and short. */
function mergeTypes(a: TypeStatus, b: TypeStatus): TypeStatus {
  const since = [a.pendingSinceMs, b.pendingSinceMs].filter((ms) => ms !== null);
  return {
    type: a.type,
    wildcard: a.wildcard || b.wildcard,
    names: new Set([...a.names, ...b.names]),
    offered: b.offered,
    sent: new Map([...a.sent, ...b.sent]),
    acked: new Map([...a.acked, ...b.acked]),
    pending: [...new Set([...a.pending, ...b.pending])],
    refused: new Map([...a.refused, ...b.refused]),
    nacks: [...new Set([...a.nacks, ...b.nacks])],
    pendingSinceMs: since.length === 0 ? null : Math.min(...since),
  };
}
