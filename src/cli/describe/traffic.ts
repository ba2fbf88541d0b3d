/** Which BackendTrafficPolicies hold for a Service: for each port and section, the one that decides. */
import type { Service } from '../../api/kinds/service.ts';
import { effectiveForBackend, effectiveForRequest } from '../../policies/backend-traffic/effective.ts';
import type { BackendTrafficPolicy } from '../../policies/backend-traffic/kind.ts';
import { originText } from '../mesh/mesh-status.ts';
import { tableLines } from '../output/table.ts';
import type { Section } from './section.ts';

/** `policies`: of its namespace. Requests that an HTTPRoute matches may have a more specific one. */
export function trafficSection(service: Service, policies: readonly BackendTrafficPolicy[]): Section {
  const { name, namespace = '' } = service.metadata;
  const rows = (service.spec?.ports ?? []).flatMap(({ port, name: portName = '' }) => {
    const target = { namespace, service: name, port, portName };
    const origins = {
      ...effectiveForBackend(policies, target).origins,
      ...effectiveForRequest(policies, target, null).origins,
    };
    return Object.entries(origins).map(([section, origin]) => ({ port, section, decidedBy: originText(origin) }));
  });
  return {
    key: 'traffic',
    title: 'Traffic policies',
    data: rows,
    lines: () =>
      rows.length === 0
        ? []
        : tableLines(
            ['PORT', 'SECTION', 'DECIDED BY'].map((title) => ({ title })),
            rows.map((row) => [String(row.port), row.section, row.decidedBy]),
          ),
  };
}
