/** The control plane's view of its proxies, read from `meshstatus`, and what it means: is each one up to date? Pure but for the call. */
import type { Origin } from '../../api/resource.ts';
import { meshStatus } from '../../client/mesh.ts';
import type { HttpTransport } from '../../client/transport.ts';

export interface ProxyTypeStatus {
  /** Listener, RouteConfiguration, … */
  readonly type: string;
  readonly sent: number;
  readonly acknowledged: number;
  readonly pending: readonly string[];
  readonly refused: readonly string[];
  /** Since when something has been on its way; null: nothing is. */
  readonly pendingSince: string | null;
  readonly nacks: readonly ResourceNack[];
}

export interface ResourceNack {
  readonly resource: string;
  readonly reason: string;
  readonly since: string;
  readonly origins: readonly Origin[];
}

export interface ProxyStatus {
  /** `namespace/workload` */
  readonly node: string;
  readonly service: string;
  readonly kind: string;
  readonly userAgent: string;
  readonly connectedSince: string;
  readonly types: readonly ProxyTypeStatus[];
}

export interface ControlPlaneStatus {
  readonly version: string;
  readonly trustDomain: string;
  readonly startedAt: string;
  readonly proxies: readonly ProxyStatus[];
}

/** NACK: it refused something and still serves the version before. STALE: something is on its way. */
export type SyncState = 'SYNCED' | 'STALE' | 'NACK';

export async function readMeshStatus(transport: HttpTransport): Promise<ControlPlaneStatus> {
  const status = (await meshStatus(transport)) as Record<string, unknown> as Partial<ControlPlaneStatus>;
  return {
    version: status.version ?? '',
    trustDomain: status.trustDomain ?? '',
    startedAt: status.startedAt ?? '',
    proxies: status.proxies ?? [],
  };
}

export function syncState(proxy: ProxyStatus): SyncState {
  if (proxy.types.some((type) => type.refused.length > 0)) return 'NACK';
  return proxy.types.some((type) => type.pending.length > 0) ? 'STALE' : 'SYNCED';
}

export interface Refusal {
  readonly type: string;
  readonly resource: string;
  /** Empty when it is not known. */
  readonly reason: string;
  /** When it was refused; null when it is not known. */
  readonly since: string | null;
  /** `HTTPRoute shop/canary spec.rules[0] (canary.yaml:3)`; of what the user wrote. */
  readonly origins: readonly string[];
}

/** What this proxy refuses now. */
export function refusalsOf(proxy: ProxyStatus): Refusal[] {
  return proxy.types.flatMap(({ type, refused, nacks }) =>
    refused.map((resource) => {
      const { reason = '', since = null, origins = [] } = nacks.find((nack) => nack.resource === resource) ?? {};
      return { type, resource, reason, since, origins: origins.map(originText) };
    }),
  );
}

export function originText({ kind, namespace, name, path, file }: Origin): string {
  const object = `${kind} ${namespace === '' ? name : `${namespace}/${name}`}`;
  return `${object}${path === '' ? '' : ` ${path}`}${file === '' ? '' : ` (${file})`}`;
}
