/** What follows from a Workload: its identity and certificate, the mTLS mode of each port, its proxy, who reaches it as what. */
import { MESH_NAME, type Mesh, type MtlsMode } from '../../api/kinds/mesh.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { PeerAuthentication } from '../../policies/peer-authentication/kind.ts';
import { effectiveMode } from '../../policies/peer-authentication/effective-mode.ts';
import { certificatesOf } from '../mesh/certificates.ts';
import type { MeshConnection } from '../mesh/connect.ts';
import { kindNamed } from '../mesh/kinds.ts';
import { originText, readMeshStatus, refusalsOf, syncState } from '../mesh/mesh-status.ts';
import { ageText, tableLines } from '../output/table.ts';
import type { Section } from './section.ts';
import { endpointsOf } from './service.ts';

export async function describeWorkload(mesh: MeshConnection, workload: Workload): Promise<Section[]> {
  const { namespace = '', name } = workload.metadata;
  const { resources, transport } = mesh;
  const [status, services, policies, meshes, certificates] = await Promise.all([
    readMeshStatus(transport),
    resources.list<Service>(kindNamed('services'), namespace),
    resources.list<PeerAuthentication>(kindNamed('peerauthentications'), namespace),
    resources.list<Mesh>(kindNamed('meshes'), null),
    certificatesOf([workload]),
  ]);
  const fallback = meshes.items.find((each) => each.metadata.name === MESH_NAME)?.spec?.mtls?.mode ?? 'strict';
  const proxy = status.proxies.find((each) => each.node === `${namespace}/${name}`);
  const [certificate] = certificates;
  const notAfterMs = certificate?.notAfterMs ?? null;
  const identity = {
    id: certificate?.id ?? `spiffe://${status.trustDomain}/ns/${namespace}/sa/${workload.spec?.account}`,
    notAfter: notAfterMs === null ? null : new Date(notAfterMs).toISOString(),
    valid: certificate?.valid ?? null,
  };
  const serves = services.items.flatMap((service) =>
    endpointsOf(service, [workload]).map((endpoint) => ({
      service: service.metadata.name,
      port: endpoint.port,
      address: endpoint.address,
    })),
  );
  const refusals = proxy === undefined ? [] : refusalsOf(proxy);
  return [
    {
      key: 'identity',
      title: 'Identity',
      data: identity,
      lines: (style) => [
        identity.id,
        ...(notAfterMs === null
          ? []
          : [`certificate valid for ${ageText(notAfterMs - Date.now())} more, until ${identity.notAfter}`]),
        ...(certificate?.valid === false ? [style.red(certificate.reason)] : []),
      ],
    },
    mtlsSection(workload, policies.items, services.items, fallback),
    {
      key: 'proxy',
      title: 'Proxy',
      data:
        proxy === undefined
          ? null
          : { state: syncState(proxy), connectedSince: proxy.connectedSince, types: proxy.types },
      lines: (style) => {
        if (proxy === undefined) return [style.red('not connected to the control plane')];
        const state = syncState(proxy);
        const paint = state === 'SYNCED' ? style.green : state === 'NACK' ? style.red : style.yellow;
        const since = ageText(Date.now() - Date.parse(proxy.connectedSince));
        return [
          `${paint(state.toLowerCase())}, connected for ${since}`,
          ...proxy.types.map((type) => `${type.type}: ${type.acknowledged} of ${type.sent} acknowledged`),
          ...refusals.map((each) =>
            style.red(`refuses ${each.type} ${each.resource}: ${each.reason} ${each.origins.join(', ')}`),
          ),
        ];
      },
    },
    {
      key: 'serves',
      title: 'Reached as',
      data: serves,
      lines: () => serves.map((each) => `${each.service}:${each.port} at ${each.address}`),
    },
  ];
}

function mtlsSection(
  workload: Workload,
  policies: readonly PeerAuthentication[],
  services: readonly Service[],
  mesh: MtlsMode,
): Section {
  const ports = (workload.spec?.ports ?? []).map((port) => {
    const { mode, origin } = effectiveMode({ policies, services, workload, appPort: port.port, mesh });
    return { port: port.port, proxyPort: port.proxyPort ?? null, mode, decidedBy: originText(origin) };
  });
  return {
    key: 'mtls',
    title: 'mTLS',
    data: ports,
    lines: (style) =>
      tableLines(
        ['PORT', 'PROXY PORT', 'MODE', 'DECIDED BY'].map((title) => ({ title })),
        ports.map((each) => [
          String(each.port),
          String(each.proxyPort ?? 'none'),
          each.mode === 'strict' ? style.green(each.mode) : style.yellow(each.mode),
          each.decidedBy,
        ]),
      ),
  };
}
