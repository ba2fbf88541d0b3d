/** XdsPatch as a kind of policy: its names, its table, and what is checked of it before it is stored. */
import type { PolicyKind } from '../policy-kind.ts';
import { checkPatches } from './check.ts';
import { KIND, type PatchEntry, spec, statusSchema, type XdsPatchSpec, type XdsPatchStatus } from './kind.ts';

export const xdsPatchKind: PolicyKind<XdsPatchSpec, XdsPatchStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: KIND,
  plural: 'xdspatches',
  singular: 'xdspatch',
  shortNames: ['xp'],
  namespaced: true,
  nameRule: 'subdomain',
  description: 'Fragments in the terms of xDS, merged into what is generated for the proxies that it selects.',
  spec,
  specRequired: true,
  status: statusSchema,
  immutable: [],
  columns: [
    { name: 'PROXIES', wide: false, value: (each) => proxiesText(each.spec?.proxies) },
    { name: 'PATCHES', wide: false, value: (each) => patchesText(each.spec?.patches ?? []) },
  ],
  enforcedBy: {
    weft: 'where it can: a proxy for which Weft’s own reader refuses the result gets nothing of the patch',
    envoy: true,
    grpc: true,
    none: 'there is no proxy to configure',
  },
  side: 'callee',
  check(resource, report) {
    checkPatches(resource.spec?.patches ?? [], report);
  },
};

function proxiesText(proxies: XdsPatchSpec['proxies']): string {
  const labelText = Object.entries(proxies?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const parts = [...labelText, ...(proxies?.services ?? []), ...(proxies?.kinds ?? [])];
  return parts.length === 0 ? '(namespace)' : parts.join(',');
}

function patchesText(patches: readonly PatchEntry[]): string {
  return patches.map(({ operation, on }) => `${operation} ${on}`).join(', ');
}
