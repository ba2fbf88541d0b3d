/** What is true of the whole mesh for generation: the trust domain and the roots, as a view. */
import type { View } from '../../api/reader.ts';
import type { Resource } from '../../api/resource.ts';

/** The internal object that carries the CA's roots into the index; never stored, never served. */
export const TRUST_BUNDLE_KIND = 'TrustBundle';

export interface TrustBundleSpec {
  readonly trustDomain: string;
  readonly pem: string;
}

export interface MeshSettings {
  readonly trustDomain: string;
  readonly trustBundlePem: string;
}

export function trustBundleResource(spec: TrustBundleSpec, version: string): Resource<TrustBundleSpec> {
  return {
    apiVersion: 'internal.weft.mesh/v1',
    kind: TRUST_BUNDLE_KIND,
    metadata: { name: 'default', uid: 'trust-bundle', resourceVersion: version },
    spec,
  };
}

export const meshSettings: View<null, MeshSettings> = {
  name: 'mesh-settings',
  id: () => '',
  derive(read) {
    const bundle = read.get({
      kind: TRUST_BUNDLE_KIND,
      namespace: '',
      name: 'default',
    }) as Resource<TrustBundleSpec> | null;
    return {
      trustDomain: bundle?.spec?.trustDomain ?? 'weft.local',
      trustBundlePem: bundle?.spec?.pem ?? '',
    };
  },
  same: (a, b) => a.trustDomain === b.trustDomain && a.trustBundlePem === b.trustBundlePem,
};
