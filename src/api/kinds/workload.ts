/**
 * `weft.mesh/v1` Workload: one running instance where there is no Pod. Its agent writes it at registration and deletes it
 * at the end; the labels `app` and `version` in its metadata are what Services select.
 */
import { z } from 'zod';
import { condition, objectName, portName, portNumber, text } from '../fields.ts';
import type { Frozen, Kind } from '../kind.ts';
import { LABEL_VALUE } from '../names.ts';
import type { Resource } from '../resource.ts';

const ipAddress = z.union([z.ipv4(), z.ipv6()], { error: 'must be an IPv4 or IPv6 address' });

const port = z.strictObject({
  name: portName.optional(),
  /** The app's own port, reached at 127.0.0.1. */
  port: portNumber,
  /** The sidecar's inbound port. Unset: no sidecar, peers reach the app in plaintext. */
  proxyPort: portNumber.optional(),
  /** Unset or empty: detected from the first bytes. */
  protocol: z.enum(['http', 'http2', 'grpc', 'tcp', '']).optional(),
});

const vip = z.strictObject({
  service: objectName('label-1035'),
  namespace: objectName('label'),
  /** The Service's own port. */
  port: portNumber,
  /** Where the app reaches it: a loopback address and port of this workload alone. */
  address: ipAddress,
  vipPort: portNumber,
});

const spec = z.strictObject({
  /** The service's name; the label `app` says the same. */
  service: objectName('label-1035'),
  /** The service account in its SPIFFE id. */
  account: objectName('subdomain'),
  version: text(LABEL_VALUE).optional(),
  /** Where peers reach its proxy. */
  address: ipAddress,
  ports: z.array(port).max(64),
  /** Unset: weft. */
  proxy: z.enum(['weft', 'envoy', 'grpc', 'none']).optional(),
  capture: z
    .strictObject({
      /** The explicit-proxy listener on 127.0.0.1. Unset: none. */
      httpProxyPort: portNumber.optional(),
      vips: z.array(vip).max(200).optional(),
    })
    .optional(),
  /** Services it calls: `catalog` or `shop/catalog`. Unset: all. */
  uses: z.array(z.string().max(127)).max(200).optional(),
  /** The proxy's admin endpoint on loopback. */
  adminPort: portNumber.optional(),
  locality: z.strictObject({ region: text(LABEL_VALUE).optional(), zone: text(LABEL_VALUE).optional() }).optional(),
});

const status = z.looseObject({
  /** Whether it takes traffic. Absent: not yet. */
  ready: z.boolean().optional(),
  conditions: z.array(condition).max(16).optional(),
});

export type WorkloadSpec = Frozen<z.infer<typeof spec>>;
export type WorkloadPort = Frozen<z.infer<typeof port>>;
export type WorkloadVip = Frozen<z.infer<typeof vip>>;
export type WorkloadStatus = Frozen<z.infer<typeof status>>;
export type Workload = Resource<WorkloadSpec, WorkloadStatus>;
export type ProxyKind = NonNullable<WorkloadSpec['proxy']>;

export const workloadKind: Kind<WorkloadSpec, WorkloadStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: 'Workload',
  plural: 'workloads',
  singular: 'workload',
  shortNames: ['wl'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'One running instance of a service, where there is no Pod.',
  spec,
  specRequired: true,
  status,
  immutable: ['spec.service', 'spec.account'],
  columns: [
    { name: 'SERVICE', wide: false, value: (workload) => workload.spec?.service ?? '' },
    { name: 'VERSION', wide: false, value: (workload) => workload.spec?.version ?? '' },
    { name: 'READY', wide: false, value: (workload) => (workload.status?.ready === true ? 'yes' : 'no') },
    { name: 'PROXY', wide: false, value: (workload) => workload.spec?.proxy ?? 'weft' },
    { name: 'ADDRESS', wide: true, value: (workload) => workload.spec?.address ?? '' },
    { name: 'PORTS', wide: true, value: (workload) => (workload.spec?.ports ?? []).map(portLine).join(', ') },
    { name: 'ACCOUNT', wide: true, value: (workload) => workload.spec?.account ?? '' },
  ],
  check(workload, report) {
    const seen = new Map<number, number>();
    (workload.spec?.ports ?? []).forEach((each, index) => {
      const first = seen.get(each.port);
      if (first !== undefined) report(['spec', 'ports', index, 'port'], `repeats the port of ports[${first}]`);
      else seen.set(each.port, index);
    });
  },
};

function portLine(port: WorkloadPort): string {
  const protocol = port.protocol === undefined || port.protocol === '' ? '' : `/${port.protocol}`;
  return `${port.proxyPort ?? port.port}→${port.port}${protocol}`;
}
