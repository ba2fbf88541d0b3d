/** What a proxy holds as a table a section, each row with the place that it was written in. */
import { isMessage } from '@bufbuild/protobuf';
import { ClusterSchema } from '../../protos/gen/envoy/config/cluster/v3/cluster_pb.ts';
import { ClusterLoadAssignmentSchema } from '../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts';
import { ListenerSchema } from '../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { SecretSchema } from '../../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import type { Style } from '../output/style.ts';
import { printable } from '../output/style.ts';
import { fittedLines } from '../output/table.ts';
import type { HeldResource } from './held-resource.ts';
import { originCell, type Origins } from './origins.ts';
import { CLUSTER_COLUMNS, clusterRow, ENDPOINT_COLUMNS, endpointRows } from './rows/cluster-rows.ts';
import { LISTENER_COLUMNS, listenerRows } from './rows/listener-rows.ts';
import { ROUTE_COLUMNS, routeRows } from './rows/route-rows.ts';
import { SECRET_COLUMNS, secretRows } from './rows/secret-rows.ts';
import type { Section } from './sections.ts';

const COLUMNS: Readonly<Record<Section, readonly string[]>> = {
  listeners: LISTENER_COLUMNS,
  routes: ROUTE_COLUMNS,
  hosts: ['ON DEMAND', ...ROUTE_COLUMNS.slice(1)],
  clusters: CLUSTER_COLUMNS,
  endpoints: ENDPOINT_COLUMNS,
  secrets: SECRET_COLUMNS,
};

/** What no object causes: every proxy gets it. */
const EVERYWHERE = 'Weft itself';

/** `screen`: columns of the terminal, null without one. */
export function sectionLines(
  section: Section,
  resources: readonly HeldResource[],
  origins: Origins,
  style: Style,
  screen: number | null,
): string[] {
  const titles = [...COLUMNS[section], 'WRITTEN IN'];
  const rows = resources.flatMap((resource) => rowsOf(resource, origins, titles.length - 1, style));
  if (rows.length === 0) return [`no ${section}`];
  return fittedLines(
    titles.map((title) => ({ title })),
    rows,
    screen,
  );
}

function rowsOf(resource: HeldResource, origins: Origins, width: number, style: Style): string[][] {
  const whole = resource.isLocal ? 'beside the proxy' : originCell(origins.ofResource(resource)) || EVERYWHERE;
  const found = cellsOf(resource, origins);
  const rows = found.length > 0 ? found : [{ cells: [resource.name], origin: '' }];
  return rows.map(({ cells, origin }, index) => {
    const [name = '', ...more] = cells;
    const padded = [...more, ...Array.from({ length: width - cells.length }, () => '')];
    const note = index === 0 ? noteOf(resource) : '';
    return [note === '' ? name : `${name} ${style.yellow(note)}`, ...padded, style.dim(origin || whole)];
  });
}

/** What is not as it should be; empty when all is well. */
function noteOf({ state, problem }: HeldResource): string {
  const parts = [state === 'active' ? '' : state, printable(problem).slice(0, 300)].filter((part) => part !== '');
  return parts.length === 0 ? '' : `(${parts.join(': ')})`;
}

interface Row {
  readonly cells: readonly string[];
  /** Empty: that of the whole resource. */
  readonly origin: string;
}

function cellsOf({ message }: HeldResource, origins: Origins): Row[] {
  const plain = (cells: readonly string[]): Row => ({ cells, origin: '' });
  if (message === null) return [];
  if (isMessage(message, ListenerSchema)) return listenerRows(message).map(plain);
  if (isMessage(message, ClusterSchema)) return [plain(clusterRow(message))];
  if (isMessage(message, ClusterLoadAssignmentSchema)) return endpointRows(message).map(plain);
  if (isMessage(message, SecretSchema)) return secretRows(message).map(plain);
  const rows = isMessage(message, VirtualHostSchema)
    ? routeRows({ name: message.name, virtualHosts: [message] })
    : isMessage(message, RouteConfigurationSchema)
      ? routeRows(message)
      : [];
  return rows.map(({ cells, parts }) => {
    const written = parts.map((part) => originCell(origins.ofPart(part))).find((text) => text !== '');
    return { cells, origin: written ?? '' };
  });
}
