/**
 * Makes the Services of a workload that registers for the first time, where they do not exist: `NAME` for all its
 * versions and `NAME-VERSION` for this one, so that `weft run` alone is enough to be called by name.
 */
import { isWeftError } from '../../core/errors.ts';
import type { Service, ServicePort } from '../../api/kinds/service.ts';
import type { Workload, WorkloadPort } from '../../api/kinds/workload.ts';
import { versionedName } from '../api-server/writes/registration.ts';

const MADE_ANNOTATION = 'weft.mesh/made-for-workload';
const HTTP_PORT = 80;

export interface ServiceWriter {
  /** Rejects with `already-exists`. */
  create(service: Service): Promise<void>;
}

/** Services that exist are the user's: they are left as they are. */
export async function makeServices(workload: Workload, writer: ServiceWriter): Promise<void> {
  for (const service of servicesOf(workload)) {
    try {
      await writer.create(service);
    } catch (error) {
      if (!isWeftError(error, 'already-exists')) throw error;
    }
  }
}

export function servicesOf(workload: Workload): Service[] {
  const { spec, metadata } = workload;
  const ports = servicePorts(spec?.ports ?? []);
  if (spec === undefined || ports.length === 0) return [];
  const service = (name: string, selector: Record<string, string>): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: metadata.namespace ?? 'default', annotations: { [MADE_ANNOTATION]: metadata.name } },
    spec: { selector, ports },
  });
  const all = service(spec.service, { app: spec.service });
  if (spec.version === undefined) return [all];
  return [all, service(versionedName(spec.service, spec.version), { app: spec.service, version: spec.version })];
}

/**
 * The first port that may be HTTP is also port 80, so that `http://NAME/` works; every port keeps its own number, so
 * that what worked before the mesh still does.
 */
function servicePorts(ports: readonly WorkloadPort[]): ServicePort[] {
  const made: ServicePort[] = [];
  const taken = new Set(ports.flatMap(({ name }) => name ?? []));
  const web = ports.find((port) => port.protocol !== 'tcp');
  if (web !== undefined && !ports.some((port) => port.port === HTTP_PORT)) {
    made.push({
      name: freeName('web', HTTP_PORT, taken),
      port: HTTP_PORT,
      targetPort: targetOf(web),
      ...protocolOf(web),
    });
  }
  for (const port of ports) {
    const name = port.name ?? freeName('port', port.port, taken);
    made.push({ name, port: port.port, targetPort: targetOf(port), ...protocolOf(port) });
  }
  return made;
}

/** By its name where it has one: another instance on this machine must listen on another number. */
function targetOf(port: WorkloadPort): string | number {
  return port.name ?? port.port;
}

/** One that no port of the workload has: a Service with a name twice is refused whole. */
function freeName(wish: string, port: number, taken: Set<string>): string {
  const wishes = [...(wish === 'web' ? ['web', 'http'] : []), `port-${port}`, `tcp-${port}`, `p-${port}`];
  const name = wishes.find((each) => !taken.has(each)) ?? `weft-${port}`;
  taken.add(name);
  return name;
}

function protocolOf(port: WorkloadPort): { appProtocol?: string } {
  if (port.protocol === undefined || port.protocol === '') return {};
  return { appProtocol: port.protocol };
}
