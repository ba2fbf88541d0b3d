/** `weft.mesh/v1` Mesh: the one object, named `default`, that holds what is true of the whole mesh. */
import { z } from 'zod';
import { parseGatewayDuration } from '../../core/durations.ts';
import { duration } from '../fields.ts';
import type { Frozen, Kind } from '../kind.ts';
import type { Resource } from '../resource.ts';

export const MESH_NAME = 'default';

const MIN_SVID_TTL_MS = 60_000;

/** strict: mutual TLS or nothing; permissive: plaintext too; disabled: plaintext only. */
export const mtlsMode = z.enum(['strict', 'permissive', 'disabled']);
export type MtlsMode = z.infer<typeof mtlsMode>;

const spec = z.strictObject({
  /** The authority in every SPIFFE id. */
  trustDomain: z
    .string()
    .max(255)
    .regex(/^[a-z0-9._-]+$/, { error: 'must be lower-case letters, digits, ".", "-" and "_" (SPIFFE trust domain)' })
    .optional(),
  /** What holds where no PeerAuthentication says otherwise. Unset: strict. */
  mtls: z.strictObject({ mode: mtlsMode }).optional(),
  /** The lifetime of a workload's certificate; at least 1m. Unset: 24h. */
  svidTtl: duration.optional(),
});

const status = z.looseObject({});

export type MeshSpec = Frozen<z.infer<typeof spec>>;
export type MeshStatus = Frozen<z.infer<typeof status>>;
export type Mesh = Resource<MeshSpec, MeshStatus>;

export const meshKind: Kind<MeshSpec, MeshStatus> = {
  group: 'weft.mesh',
  version: 'v1',
  alsoVersions: [],
  kind: 'Mesh',
  plural: 'meshes',
  singular: 'mesh',
  shortNames: [],
  namespaced: false,
  nameRule: 'label',
  description: 'The trust domain and the defaults of the whole mesh.',
  spec,
  specRequired: true,
  status,
  immutable: ['spec.trustDomain'],
  columns: [
    { name: 'TRUST DOMAIN', wide: false, value: (mesh) => mesh.spec?.trustDomain ?? '' },
    { name: 'MTLS', wide: false, value: (mesh) => mesh.spec?.mtls?.mode ?? 'strict' },
    { name: 'SVID TTL', wide: true, value: (mesh) => mesh.spec?.svidTtl ?? '24h' },
  ],
  check(mesh, report) {
    if (mesh.metadata.name !== MESH_NAME) {
      report(['metadata', 'name'], `must be "${MESH_NAME}": a mesh has one Mesh object`);
    }
    const ttl = mesh.spec?.svidTtl;
    if (ttl !== undefined && (parseGatewayDuration(ttl) ?? 0) < MIN_SVID_TTL_MS) {
      report(['spec', 'svidTtl'], 'must be at least 1m', 'A certificate is renewed at half its life');
    }
  },
};
