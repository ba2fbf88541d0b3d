/** The targets of policies for requests, as their status speaks of them: do they exist, and which of them are one and the same. */
import type { HttpRoute } from '../../api/kinds/http-route.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { Reader } from '../../api/reader.ts';
import type { RequestTarget } from '../../policies/request-target.ts';

/** As it stands in `status.ancestors` (GEP-713). */
export function ancestorOf(namespace: string, { group, kind, name, sectionName }: RequestTarget): object {
  return { group, kind, namespace, name, ...(sectionName === undefined ? {} : { sectionName }) };
}

/** null: it exists. */
export function targetProblem(read: Reader, namespace: string, ref: RequestTarget): string | null {
  const found = read.get({ kind: ref.kind, namespace, name: ref.name });
  const name = `${ref.kind} ${namespace}/${ref.name}`;
  if (found === null) return `${name} does not exist`;
  if (ref.sectionName === undefined) return null;
  if (ref.kind === 'Service') {
    return portOf(found as Service, ref.sectionName) === null ? `${name} has no port ${ref.sectionName}` : null;
  }
  const rules = (found as HttpRoute).spec?.rules ?? [];
  return rules.some((rule) => rule.name === ref.sectionName) ? null : `${name} has no rule named ${ref.sectionName}`;
}

/** Of a Service: the port that it names, else all; of an HTTPRoute none. */
export function targetedPorts(read: Reader, namespace: string, ref: RequestTarget): readonly number[] {
  if (ref.kind !== 'Service') return [];
  const service = read.get({ kind: 'Service', namespace, name: ref.name }) as Service | null;
  if (service === null) return [];
  const named = ref.sectionName === undefined ? null : portOf(service, ref.sectionName);
  return (service.spec?.ports ?? []).flatMap(({ port }) => (named === null || named === port ? [port] : []));
}

/** Whether two targets are one, which takes the Service to tell where one names a port and the other numbers it. */
export function sameTarget(read: Reader, namespace: string, a: RequestTarget, b: RequestTarget): boolean {
  if (a.kind !== b.kind || a.name !== b.name) return false;
  if (a.sectionName === b.sectionName) return true;
  if (a.kind !== 'Service' || a.sectionName === undefined || b.sectionName === undefined) return false;
  const service = read.get({ kind: 'Service', namespace, name: a.name }) as Service | null;
  return service !== null && portOf(service, a.sectionName) === portOf(service, b.sectionName);
}

/** By name or number. */
function portOf(service: Service, section: string): number | null {
  const ports = service.spec?.ports ?? [];
  return ports.find(({ name, port }) => name === section || String(port) === section)?.port ?? null;
}
