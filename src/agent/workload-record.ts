/** The workload's own record, as it is written to the control plane. Pure. */
import type { ProxyKind, Workload } from '../api/kinds/workload.ts';
import type { Vip } from '../capture/vip.ts';

/** The record lives by a lease: without a heartbeat the workload leaves the endpoints. */
const LEASED_ANNOTATION = 'weft.mesh/leased';

export type PortProtocol = 'http' | 'http2' | 'grpc' | 'tcp' | '';

export interface AppPort {
  /** Empty: unnamed. */
  readonly name: string;
  readonly port: number;
  /** Empty: detected. */
  readonly protocol: PortProtocol;
}

export interface RecordParts {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly account: string;
  readonly version: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly address: string;
  readonly ports: readonly (AppPort & { readonly proxyPort: number })[];
  readonly proxyKind: ProxyKind;
  /** null: the application has no proxy, and its ports are its own. */
  readonly proxy: { readonly httpProxyPort: number; readonly adminPort: number; readonly vips: readonly Vip[] } | null;
  readonly uses: readonly string[] | null;
  readonly locality: { readonly region: string; readonly zone: string } | null;
}

export function workloadRecord(parts: RecordParts): Workload {
  const { service, account, version, address, proxy, uses, locality } = parts;
  return {
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: {
      name: parts.workload,
      namespace: parts.namespace,
      annotations: { [LEASED_ANNOTATION]: 'true' },
      labels: { ...parts.labels, app: service, ...(version === null ? {} : { version }) },
    },
    spec: {
      service,
      account,
      ...(version === null ? {} : { version }),
      address,
      ports: named(parts.ports).map(({ name, port, protocol, proxyPort }) => ({
        name,
        port,
        ...(proxy === null ? {} : { proxyPort }),
        ...(protocol === '' ? {} : { protocol }),
      })),
      proxy: parts.proxyKind,
      ...(proxy === null ? {} : captured(proxy)),
      ...(uses === null ? {} : { uses: [...uses] }),
      ...(locality === null ? {} : { locality }),
    },
  };
}

function captured({ httpProxyPort, adminPort, vips }: NonNullable<RecordParts['proxy']>) {
  const named = vips.map(({ service, namespace, port, address, vipPort }) => {
    return { service, namespace, port, address, vipPort };
  });
  return { capture: { httpProxyPort, vips: named }, adminPort };
}

/**
 * Every port gets a name, the same on every instance of the service: its Services point to names, because two instances
 * on one machine listen on different numbers.
 */
function named<P extends AppPort>(ports: readonly P[]): P[] {
  const taken = new Set(ports.map(({ name }) => name));
  return ports.map((port, index) => {
    if (port.name !== '') return port;
    const wish = index === 0 ? 'main' : `main-${index + 1}`;
    return { ...port, name: taken.has(wish) ? `port-${port.port}` : wish };
  });
}
