/** The variables that tell an application where its services are, under the names that Kubernetes gives them. */
import type { Vip } from './vip.ts';

/** A Vip with the name that its Service gives the port; empty without one. */
export interface NamedVip extends Vip {
  readonly portName: string;
}

/**
 * `CATALOG_SERVICE_HOST`, `CATALOG_SERVICE_PORT` (the first port) and `CATALOG_SERVICE_PORT_<NAME>`. Services of other
 * namespaces are `CATALOG_SHOP_…`; where two names fall together, the workload's own namespace wins, then the first.
 */
export function serviceVariables(vips: readonly NamedVip[], namespace: string): Readonly<Record<string, string>> {
  const variables: Record<string, string> = {};
  const owners = new Map<string, string>();
  const own = vips.filter((vip) => vip.namespace === namespace);
  const foreign = vips.filter((vip) => vip.namespace !== namespace);
  for (const vip of [...own, ...foreign]) {
    const stem = variableName(vip.namespace === namespace ? vip.service : `${vip.service}_${vip.namespace}`);
    const owner = `${vip.namespace}/${vip.service}`;
    if ((owners.get(stem) ?? owner) !== owner) continue;
    if (!owners.has(stem)) {
      owners.set(stem, owner);
      variables[`${stem}_SERVICE_HOST`] = vip.address;
      variables[`${stem}_SERVICE_PORT`] = String(vip.vipPort);
    }
    if (vip.portName !== '') variables[`${stem}_SERVICE_PORT_${variableName(vip.portName)}`] = String(vip.vipPort);
  }
  return variables;
}

function variableName(name: string): string {
  return name.toUpperCase().replaceAll('-', '_').replaceAll('.', '_');
}
