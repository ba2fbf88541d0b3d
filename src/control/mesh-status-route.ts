/** `GET /apis/weft.mesh/v1/meshstatus`: the control plane's view of itself and of every connected proxy. */
import type { Clock } from '../core/runtime.ts';
import { shortTypeName } from '../xds/resource.ts';
import type { TypeStatus } from '../xds/server/session.ts';
import type { Route } from './api-server/handler.ts';
import type { ProxyStatus } from './publish/proxy-stream.ts';
import type { Publisher } from './publish/publisher.ts';

export interface MeshStatusOptions {
  readonly clock: Clock;
  readonly publisher: Publisher;
  readonly version: string;
  readonly trustDomain: string;
}

export function meshStatusRoute({ clock, publisher, version, trustDomain }: MeshStatusOptions): Route {
  const startedAt = clock.wall();
  return {
    method: 'GET',
    path: '/apis/weft.mesh/v1/meshstatus',
    access: 'admin',
    handle: () => ({
      status: 200,
      body: {
        version,
        trustDomain,
        startedAt: timeText(startedAt),
        proxies: publisher.proxies().map(proxyBody),
      },
    }),
  };
}

function proxyBody(proxy: ProxyStatus) {
  return {
    node: proxy.node.id,
    service: proxy.node.cluster,
    kind: proxy.node.kind,
    userAgent: proxy.userAgent,
    remoteHost: proxy.remoteHost,
    connectedSince: timeText(proxy.connectedSinceMs),
    types: proxy.types.map(typeBody),
  };
}

function typeBody(type: TypeStatus) {
  return {
    type: shortTypeName(type.type),
    sent: type.sent.size,
    acknowledged: type.acked.size,
    pending: type.pending,
    pendingSince: type.pendingSinceMs === null ? null : timeText(type.pendingSinceMs),
    refused: [...type.refused.keys()],
    /** Of what is refused, as far as the reasons are known. */
    nacks: type.nacks.map(({ name, version, reason, atMs, origins }) => ({
      resource: name,
      version,
      reason,
      since: timeText(atMs),
      origins,
    })),
  };
}

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
