/** Where resources of one type are asked for: Envoy's ConfigSource, read. The aggregated stream or a service of its own. */

export type ResourceSource =
  | { readonly kind: 'ads' }
  | {
      readonly kind: 'service';
      readonly protocol: 'delta' | 'sotw' | 'rest';
      /** The cluster of the bootstrap through which the server is reached. */
      readonly cluster: string;
      /** `rest`: between two polls, ms; 0 otherwise. */
      readonly refreshMs: number;
    };

export const ADS: ResourceSource = { kind: 'ads' };

/** Equal for equal sources. */
export function sourceKey(source: ResourceSource): string {
  return source.kind === 'ads' ? 'ads' : `${source.protocol} ${source.cluster} ${source.refreshMs}`;
}
