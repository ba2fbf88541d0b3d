/** Certificates and roots that stand in the resources themselves, each context once: what `/certs` tells beside secrets. */
import type { ClusterConfig, ListenerConfig, TlsSettings } from '../../snapshot/snapshot.ts';
import type { ShownIdentity } from './envoy-certs.ts';

export function inlineIdentities(
  listeners: readonly ListenerConfig[],
  clusters: readonly ClusterConfig[],
): readonly ShownIdentity[] {
  const chains = listeners.flatMap(({ chains: own, defaultChain }) =>
    defaultChain === null ? own : [...own, defaultChain],
  );
  const all: readonly (TlsSettings | null)[] = [
    ...chains.map(({ tls }) => tls),
    ...clusters.flatMap(({ transport, transportMatches }) => [transport, ...transportMatches.map(({ tls }) => tls)]),
  ];
  const shown = new Map<string, ShownIdentity>();
  for (const settings of all) {
    if (settings === null) continue;
    const { certificate, validation } = settings;
    const certificateChainPem =
      certificate !== null && !('source' in certificate) ? certificate.certificateChainPem : '';
    const trustBundlePem = validation !== null && !('source' in validation) ? validation.pem : '';
    const both = `${certificateChainPem}${trustBundlePem}`;
    if (both !== '') shown.set(both, { certificateChainPem, trustBundlePem });
  }
  return [...shown.values()];
}
