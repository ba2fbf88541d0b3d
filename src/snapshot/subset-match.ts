/**
 * Subsets of a cluster's hosts by their labels (Envoy's `lb_subset_config`): what a cluster says of them, and what a
 * route asks for (`metadata_match`). Labels are compared as canonical JSON, so that 1 is not "1".
 */

export interface Label {
  readonly key: string;
  /** Canonical JSON. */
  readonly value: string;
}

/** In order of key, each key once. */
export type Labels = readonly Label[];

export interface SubsetConfig {
  /** For a request that asks for no subset that there is. */
  readonly fallback: 'none' | 'any' | 'default';
  readonly defaultSubset: Labels;
  readonly selectors: readonly SubsetSelector[];
  /** Localities keep their weights within a subset; else they are disregarded there. */
  readonly localityWeightAware: boolean;
  /** A locality's weight shrinks with the share of its hosts that is in the subset. */
  readonly scaleLocalityWeight: boolean;
  /** A list in a host's labels stands for each of its members. */
  readonly listAsAny: boolean;
  /** Where the fallback has no host either, any host will do. */
  readonly panicModeAny: boolean;
  /** A request's label `fallback_list` holds what to ask for, one after the other. */
  readonly fallbackList: boolean;
  /** A request may name labels that no selector has. */
  readonly allowRedundantKeys: boolean;
}

/** Hosts that have all the keys form a subset for each combination of values. */
export interface SubsetSelector {
  /** Sorted. */
  readonly keys: readonly string[];
  /** A subset is the first host of it, whatever its health. */
  readonly singleHost: boolean;
  /** `unset`: the cluster's. */
  readonly fallback: 'unset' | 'none' | 'any' | 'default' | 'keys';
  /** `keys`: asks again with these alone. */
  readonly fallbackKeys: readonly string[];
}

/** What the requests of a route ask for: one object a route, so that what it means to a cluster is found by identity. */
export interface SubsetMatch {
  readonly labels: Labels;
  /** What `fallback_list` makes of the labels, in turn; null: there is no such label. */
  readonly alternatives: readonly Labels[] | null;
}

type Fields = Readonly<Record<string, unknown>>;

const FALLBACK_LIST = 'fallback_list';

export function labelsOf(fields: Fields): Labels {
  return Object.keys(fields)
    .toSorted()
    .map((key) => ({ key, value: labelText(fields[key]) }));
}

/** Null: nothing is asked for. */
export function subsetMatchOf(fields: Fields | null): SubsetMatch | null {
  if (fields === null) return null;
  const { [FALLBACK_LIST]: list, ...rest } = fields;
  const alternatives = Array.isArray(list)
    ? list.map((override: unknown) => labelsOf(isFields(override) ? { ...rest, ...override } : rest))
    : null;
  // Without a list to go through, what the other labels say is asked for once.
  const some = alternatives?.length === 0 ? [labelsOf(rest)] : alternatives;
  return { labels: labelsOf(fields), alternatives: some };
}

/** Names a combination of labels. */
export function subsetName(labels: Labels): string {
  return labels.map(({ key, value }) => `${JSON.stringify(key)}:${value}`).join();
}

/** The labels with these keys, which need not all be there. */
export function withKeys(labels: Labels, keys: readonly string[]): Labels {
  return labels.filter(({ key }) => keys.includes(key));
}

export function hasLabels(fields: Fields, labels: Labels, listAsAny: boolean): boolean {
  return labels.every(({ key, value }) => {
    const own = fields[key];
    if (own === undefined) return false;
    if (labelText(own) === value) return true;
    return listAsAny && Array.isArray(own) && own.some((member) => labelText(member) === value);
  });
}

export function labelText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(labelText).join()}]`;
  if (!isFields(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((key) => `${JSON.stringify(key)}:${labelText(value[key])}`);
  return `{${members.join()}}`;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
