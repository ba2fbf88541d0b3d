/** What holds for a port or a request, as views: a policy that changes something else stops the wave here. */
import type { Reader, View } from '../../api/reader.ts';
import { type Effective, effectiveForBackend, effectiveForRequest } from './effective.ts';
import type { RuleTarget } from '../request-target.ts';
import type { ServicePortRef } from '../policy-kind.ts';
import { type BackendTrafficPolicy, KIND } from './kind.ts';

export const backendTraffic: View<ServicePortRef, Effective> = {
  name: 'backend-traffic',
  id: portText,
  derive: (read, port) => effectiveForBackend(naming(read, port.namespace, port.service), port),
  same: sameEffective,
};

export interface RequestTarget {
  readonly port: ServicePortRef;
  readonly rule: RuleTarget | null;
}

export const requestTraffic: View<RequestTarget, Effective> = {
  name: 'request-traffic',
  id: ({ port, rule }) => `${portText(port)}${rule === null ? '' : ` by ${rule.namespace}/${rule.route}/${rule.rule}`}`,
  derive(read, { port, rule }) {
    const ofService = naming(read, port.namespace, port.service);
    const ofRoute = rule === null ? [] : naming(read, rule.namespace, rule.route);
    return effectiveForRequest([...new Set([...ofService, ...ofRoute])], port, rule);
  },
  same: sameEffective,
};

export function policiesOf(read: Reader, namespace: string): readonly BackendTrafficPolicy[] {
  return read.list(KIND, namespace) as readonly BackendTrafficPolicy[];
}

/** Policies name what is in their own namespace. */
function naming(read: Reader, namespace: string, name: string): readonly BackendTrafficPolicy[] {
  return read.referring(KIND, namespace, { namespace, name }) as readonly BackendTrafficPolicy[];
}

function portText({ namespace, service, port, portName }: ServicePortRef): string {
  return `${namespace}/${service}:${port} ${portName}`;
}

function sameEffective(a: Effective, b: Effective): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
