/** From a project to what runs: a command line and an environment for each workload, and the Services between them. Pure. */
import { delimiter, dirname, resolve } from 'node:path';
import type { Service } from '../../api/kinds/service.ts';
import type { Resource } from '../../api/resource.ts';
import { DEFAULT_NAMESPACE } from '../mesh/state-directory.ts';
import { instanceNames, type Project, type ProjectService } from './project-file.ts';

export interface PlannedPort {
  readonly name: string;
  /** What the application should listen on, if it is free. */
  readonly port: number;
  /** Empty: detected. */
  readonly protocol: string;
}

export interface WorkloadPlan {
  /** Of the workload. */
  readonly name: string;
  readonly service: string;
  readonly definition: ProjectService;
  readonly ports: readonly PlannedPort[];
  /** The second and further instances take any free port. */
  readonly anyPort: boolean;
}

export function planWorkloads(project: Project): WorkloadPlan[] {
  return Object.entries(project.services).flatMap(([name, definition]) =>
    instanceNames(name, definition.replicas ?? 1).map((instance, index) => ({
      name: instance,
      service: definition.service ?? name,
      definition,
      ports: portsOf(definition),
      anyPort: index > 0,
    })),
  );
}

/** What is there before anything starts: the namespace and the Services. */
export function planResources(project: Project): Resource[] {
  const name = project.namespace ?? DEFAULT_NAMESPACE;
  return [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, ...planServices(project)];
}

/** The name says nothing of the protocol: it only lets instances of one service listen on different ports. */
const ONLY_PORT = 'main';

function portsOf({ port, protocol, ports }: ProjectService): PlannedPort[] {
  if (port !== undefined) return [{ name: ONLY_PORT, port, protocol: protocol ?? '' }];
  return (ports ?? []).map((each) => ({ name: each.name, port: each.port, protocol: each.protocol ?? '' }));
}

/**
 * The Services of the project, made before anything starts, so that every workload finds those that it calls: one for
 * all versions, one for each version. Each has its own port, and port 80 for the first that may be HTTP.
 */
export function planServices(project: Project): Service[] {
  const namespace = project.namespace ?? DEFAULT_NAMESPACE;
  const made = new Map<string, Service>();
  for (const { service, definition, ports } of planWorkloads(project)) {
    if (ports.length === 0) continue;
    const add = (name: string, selector: Record<string, string>) => {
      if (made.has(name)) return;
      const metadata = { name, namespace };
      made.set(name, { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector, ports: servicePorts(ports) } });
    };
    add(service, { app: service });
    const { version } = definition;
    if (version !== undefined) add(`${service}-${serviceSuffix(version)}`, { app: service, version });
  }
  return [...made.values()];
}

/** The Services behind which an instance that is known to fail stands: those of its service and of its version. */
export function namesExpectedToFail(plans: readonly WorkloadPlan[]): string[] {
  return plans
    .filter((plan) => plan.definition.expectFailures === true)
    .flatMap(({ service, definition: { version } }) => [
      service,
      ...(version === undefined ? [] : [`${service}-${serviceSuffix(version)}`]),
    ]);
}

/** As the control plane names the Service of a version. */
function serviceSuffix(version: string): string {
  return version
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

function servicePorts(ports: readonly PlannedPort[]) {
  const appProtocol = (port: PlannedPort) => (port.protocol === '' ? {} : { appProtocol: port.protocol });
  const own = ports.map((port) => ({ name: port.name, port: port.port, targetPort: port.name, ...appProtocol(port) }));
  const web = ports.find((port) => port.protocol !== 'tcp');
  if (web === undefined || ports.some((port) => port.port === 80)) return own;
  return [
    { name: 'web', port: 80, targetPort: web.name, ...appProtocol(web) },
    ...own.filter((each) => each.name !== 'web'),
  ];
}

export interface Launch {
  /** For `weft`. */
  readonly words: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface LaunchPlace {
  readonly directory: string;
  readonly stateDir: string;
  readonly namespace: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of this process: the last resort for `node` in commands. */
  readonly execPath: string;
}

/** `ports`: those that the application is to listen on now, in the order of the plan. */
export function launchOf(plan: WorkloadPlan, ports: readonly number[], place: LaunchPlace): Launch {
  const { definition, name, service } = plan;
  const { environment } = place;
  const flag = (word: string, value: string | undefined) => (value === undefined ? [] : [word, value]);
  const words = [
    'run',
    ...['--state-dir', place.stateDir, '--namespace', place.namespace, '--service', service, '--name', name],
    ...plan.ports.flatMap((port, index) => {
      const protocol = port.protocol === '' ? '' : `:${port.protocol}`;
      return ['--port', `${port.name}=${ports[index] ?? port.port}${protocol}`];
    }),
    ...flag('--version', definition.version),
    ...flag('--account', definition.account),
    ...flag('--uses', definition.uses?.join(',')),
    '--',
    ...(typeof definition.command === 'string' ? ['/bin/sh', '-c', definition.command] : definition.command),
  ];
  const numbers = Object.fromEntries(
    plan.ports.map((port, index) => [
      `PORT_${port.name.toUpperCase().replaceAll('-', '_')}`,
      String(ports[index] ?? port.port),
    ]),
  );
  const first = ports[0] ?? plan.ports[0]?.port;
  const env = {
    ...environment,
    PATH: [environment['PATH'] ?? '', dirname(place.execPath)].filter((part) => part !== '').join(delimiter),
    ...numbers,
    ...(first === undefined ? {} : { PORT: String(first) }),
    ...definition.env,
  };
  return { words, cwd: resolve(place.directory, definition.dir ?? '.'), env };
}
