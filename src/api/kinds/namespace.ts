/** `v1` Namespace as Kubernetes has it: a scope for names. Weft reads nothing of it but that it exists. */
import { z } from 'zod';
import type { Frozen, Kind } from '../kind.ts';
import type { Resource } from '../resource.ts';

const spec = z.looseObject({});
const status = z.looseObject({ phase: z.string().optional() });

export type NamespaceSpec = Frozen<z.infer<typeof spec>>;
export type NamespaceStatus = Frozen<z.infer<typeof status>>;
export type Namespace = Resource<NamespaceSpec, NamespaceStatus>;

export const namespaceKind: Kind<NamespaceSpec, NamespaceStatus> = {
  group: '',
  version: 'v1',
  alsoVersions: [],
  kind: 'Namespace',
  plural: 'namespaces',
  singular: 'namespace',
  shortNames: ['ns'],
  namespaced: false,
  nameRule: 'label',
  description: 'A scope for the names of services, workloads, routes and policies.',
  spec,
  specRequired: false,
  status,
  immutable: [],
  columns: [{ name: 'STATUS', wide: false, value: (namespace) => namespace.status?.phase ?? 'Active' }],
};
