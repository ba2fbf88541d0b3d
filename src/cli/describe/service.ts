/** What follows from a Service: the workloads behind it, port by port, and the routes and policies that hold for its callers. */
import type { Service, ServicePort } from '../../api/kinds/service.ts';
import { targetPortOf } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Resource } from '../../api/resource.ts';
import { selects } from '../../api/selector.ts';
import type { BackendTrafficPolicy } from '../../policies/backend-traffic/kind.ts';
import { kindNamed } from '../mesh/kinds.ts';
import type { MeshConnection } from '../mesh/connect.ts';
import { tableLines } from '../output/table.ts';
import type { Section } from './section.ts';
import { trafficSection } from './traffic.ts';

export interface ServiceEndpoint {
  readonly port: number;
  readonly workload: string;
  readonly address: string;
  readonly ready: boolean;
}

/** Of the workloads of its namespace. */
export function endpointsOf(service: Service, workloads: readonly Workload[]): ServiceEndpoint[] {
  const behind = workloads.filter((each) => selects(service.spec?.selector, each.metadata.labels));
  return (service.spec?.ports ?? []).flatMap((port) =>
    behind.flatMap((workload) => {
      const target = workload.spec?.ports.find((each) => isTarget(port, each));
      if (target === undefined) return [];
      return [
        {
          port: port.port,
          workload: workload.metadata.name,
          address: `${workload.spec?.address}:${target.proxyPort ?? target.port}`,
          ready: workload.status?.ready === true,
        },
      ];
    }),
  );
}

function isTarget(
  port: ServicePort,
  candidate: { readonly port: number; readonly name?: string | undefined },
): boolean {
  const target = targetPortOf(port);
  return candidate.port === target || (candidate.name !== undefined && candidate.name === target);
}

export async function describeService(mesh: MeshConnection, service: Service): Promise<Section[]> {
  const namespace = service.metadata.namespace ?? '';
  const { items: workloads } = await mesh.resources.list<Workload>(kindNamed('workloads'), namespace);
  const endpoints = endpointsOf(service, workloads);
  const policies = await mesh.resources.list<BackendTrafficPolicy>(kindNamed('backendtrafficpolicies'), namespace);
  const lists = await Promise.all(
    ['httproutes', 'tcproutes'].map((word) => mesh.resources.list(kindNamed(word), null)),
  );
  const routes = lists.flatMap((list) => list.items).filter((route) => isAttached(route, service));
  return [
    {
      key: 'endpoints',
      title: 'Endpoints',
      data: endpoints,
      lines: (style) => {
        if (endpoints.length === 0)
          return [style.yellow('none: no workload has all the labels of its selector and its port')];
        const columns = ['PORT', 'WORKLOAD', 'ADDRESS', 'READY'].map((title) => ({ title }));
        const mark = (ready: boolean) => (ready ? style.green('yes') : style.red('no'));
        return tableLines(
          columns,
          endpoints.map((each) => [String(each.port), each.workload, each.address, mark(each.ready)]),
        );
      },
    },
    {
      key: 'routes',
      title: 'Routes',
      data: routes.map((route) => ({
        kind: route.kind,
        namespace: route.metadata.namespace,
        name: route.metadata.name,
      })),
      lines: () => routes.map(routeLine),
    },
    trafficSection(service, policies.items),
  ];
}

interface RouteSpec {
  readonly parentRefs?: readonly { readonly kind?: string; readonly name?: string; readonly namespace?: string }[];
  readonly rules?: readonly { readonly backendRefs?: readonly { readonly name: string; readonly weight?: number }[] }[];
}

function isAttached(route: Resource, service: Service): boolean {
  const { name, namespace } = service.metadata;
  return ((route.spec as RouteSpec | undefined)?.parentRefs ?? []).some(
    (ref) => ref.kind === 'Service' && ref.name === name && (ref.namespace ?? route.metadata.namespace) === namespace,
  );
}

/** `HTTPRoute shop/canary: catalog-v1 90, catalog-v2 10`. */
function routeLine(route: Resource): string {
  const rules = ((route.spec as RouteSpec | undefined)?.rules ?? []).map((rule) =>
    (rule.backendRefs ?? []).map((ref) => `${ref.name} ${ref.weight ?? 1}`).join(', '),
  );
  return `${route.kind} ${route.metadata.namespace}/${route.metadata.name}: ${rules.join('; ')}`;
}
