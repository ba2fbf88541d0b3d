/** Which endpoints a route's `metadata_match` leaves, as an explanation says it: the balancer's reading, of one moment. */
import type { Endpoint } from './snapshot.ts';
import { hasLabels, type Labels, type SubsetConfig, type SubsetMatch, withKeys } from './subset-match.ts';

export interface SubsetView {
  /** One clause; empty: the cluster has no subsets. */
  readonly why: string;
  readonly has: (endpoint: Endpoint) => boolean;
}

/** Of a list of fallbacks the first counts, and of redundant keys none is left out: who asks for those reads on by himself. */
export function viewSubset(
  config: SubsetConfig | null,
  asked: SubsetMatch | null,
  endpoints: readonly Endpoint[],
): SubsetView {
  if (config === null) return { why: '', has: () => true };
  if (asked === null) return standIn(config, 'no subset is asked for', config.fallback);
  const [first] = config.fallbackList ? (asked.alternatives ?? []) : [];
  return viewLabels(config, first ?? asked.labels, endpoints);
}

function viewLabels(config: SubsetConfig, labels: Labels, endpoints: readonly Endpoint[]): SubsetView {
  const keys = labels.map(({ key }) => key).join();
  const selector = config.selectors.find((each) => each.keys.join() === keys);
  const has = having(config, labels);
  if (selector !== undefined && endpoints.some(has)) return { why: `the subset ${textOf(labels)}`, has };
  const why = `no subset ${textOf(labels)}`;
  if (selector === undefined || selector.fallback === 'unset') return standIn(config, why, config.fallback);
  if (selector.fallback !== 'keys') return standIn(config, why, selector.fallback);
  const next = viewLabels(config, withKeys(labels, selector.fallbackKeys), endpoints);
  return { why: `${why}, so ${next.why}`, has: next.has };
}

function standIn(config: SubsetConfig, why: string, fallback: SubsetConfig['fallback']): SubsetView {
  switch (fallback) {
    case 'none':
      return { why: `${why}, and nothing stands in for it`, has: () => false };
    case 'any':
      return { why: `${why}, so any host`, has: () => true };
    case 'default':
      return {
        why: `${why}, so the default ${textOf(config.defaultSubset)}`,
        has: having(config, config.defaultSubset),
      };
  }
}

function having({ listAsAny }: SubsetConfig, labels: Labels): (endpoint: Endpoint) => boolean {
  return (endpoint) => hasLabels(endpoint.labels, labels, listAsAny);
}

function textOf(labels: Labels): string {
  return labels.map(({ key, value }) => `${key}=${value}`).join(' ') || 'without labels';
}
