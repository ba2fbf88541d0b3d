/**
 * What a route's status says of each of its parents, out of what generation reads: is it attached, and does every backend
 * exist and may it be used. A view, so that a change of a Service is looked at only for the routes that name it.
 */
import type { HttpRoute } from '../../api/kinds/http-route.ts';
import type { Service } from '../../api/kinds/service.ts';
import type { ParentRef } from '../../api/kinds/route.ts';
import type { TcpRoute } from '../../api/kinds/tcp-route.ts';
import type { Reader, View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { backendProblem, keyOfBackend } from '../generate/routes/backends.ts';
import { type Finding, type Report, shortened } from './report.ts';

/** null when the route does not exist. */
export const routeParents: View<Key, Report | null> = {
  name: 'route-parents',
  id: keyText,
  derive(read, key) {
    const route = read.get(key) as HttpRoute | TcpRoute | null;
    if (route === null) return null;
    const referred = (route.spec?.parentRefs ?? []).map((parentRef) => ({
      ref: parentRef,
      findings: [accepted(read, parentRef, key.namespace), resolved(read, route, parentRef, key.namespace)],
    }));
    return { generation: route.metadata.generation ?? 0, referred };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

function accepted(read: Reader, ref: ParentRef, routeNamespace: string): Finding {
  const namespace = ref.namespace ?? routeNamespace;
  const name = `Service ${namespace}/${ref.name}`;
  const refused = (message: string): Finding => ({
    type: 'Accepted',
    status: 'False',
    reason: 'NoMatchingParent',
    message,
  });
  const service = read.get({ kind: 'Service', namespace, name: ref.name }) as Service | null;
  if (service === null) return refused(`${name} does not exist`);
  const ports = service.spec?.ports ?? [];
  if (ref.port !== undefined && !ports.some(({ port }) => port === ref.port)) {
    return refused(`${name} has no port ${ref.port}`);
  }
  if (ref.sectionName !== undefined && !ports.some((port) => port.name === ref.sectionName)) {
    return refused(`${name} has no port named ${ref.sectionName}`);
  }
  return { type: 'Accepted', status: 'True', reason: 'Accepted', message: '' };
}

/** The first reason, as conditions have one; the message has the problem of every backend, at the field that names it. */
function resolved(read: Reader, route: HttpRoute | TcpRoute, parent: ParentRef, routeNamespace: string): Finding {
  const problems = (route.spec?.rules ?? []).flatMap((rule, ruleIndex) =>
    (rule.backendRefs ?? []).flatMap((ref, index) => {
      const parentNamespace = parent.namespace ?? routeNamespace;
      const problem = backendProblem(read, keyOfBackend(ref, routeNamespace), routeNamespace, parentNamespace);
      return problem === null ? [] : [{ ...problem, path: `spec.rules[${ruleIndex}].backendRefs[${index}]` }];
    }),
  );
  const [first] = problems;
  if (first === undefined) return { type: 'ResolvedRefs', status: 'True', reason: 'ResolvedRefs', message: '' };
  const message = problems.map((problem) => `${problem.path}: ${problem.message}`).join('; ');
  return { type: 'ResolvedRefs', status: 'False', reason: first.reason, message: shortened(message) };
}
