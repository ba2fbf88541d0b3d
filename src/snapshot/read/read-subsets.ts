/** Envoy's LbSubsetConfig and its twin among the policies → SubsetConfig; and what routes ask of subsets. */
import type {
  Cluster_LbSubsetConfig as Message,
  Cluster_LbSubsetConfig_LbSubsetSelector as SelectorMessage,
  Metadata,
} from '../../xds/tables/messages.gen.ts';
import {
  Cluster_LbSubsetConfig_LbSubsetFallbackPolicy as Fallback,
  Cluster_LbSubsetConfig_LbSubsetMetadataFallbackPolicy as MetadataFallback,
  Cluster_LbSubsetConfig_LbSubsetSelector_LbSubsetSelectorFallbackPolicy as SelectorFallback,
} from '../../xds/tables/messages.gen.ts';
import { labelsOf, type SubsetConfig, type SubsetMatch, type SubsetSelector, subsetMatchOf } from '../subset-match.ts';
import { metadataMatch } from './metadata.ts';
import { invalid } from './problem.ts';

/** Each costs a look at every host whenever endpoints change. */
const MAX_SELECTORS = 64;

const FALLBACKS: Readonly<Record<number, SubsetConfig['fallback']>> = {
  [Fallback.NO_FALLBACK]: 'none',
  [Fallback.ANY_ENDPOINT]: 'any',
  [Fallback.DEFAULT_SUBSET]: 'default',
};

const SELECTOR_FALLBACKS: Readonly<Record<number, SubsetSelector['fallback']>> = {
  [SelectorFallback.NOT_DEFINED]: 'unset',
  [SelectorFallback.NO_FALLBACK]: 'none',
  [SelectorFallback.ANY_ENDPOINT]: 'any',
  [SelectorFallback.DEFAULT_SUBSET]: 'default',
  [SelectorFallback.KEYS_SUBSET]: 'keys',
};

/** `where`: empty, or the path of the message. */
export function readSubsets(where: string, message: Message & { readonly allowRedundantKeys?: boolean }): SubsetConfig {
  const at = where === '' ? '' : `${where}.`;
  const { subsetSelectors, metadataFallbackPolicy } = message;
  if (subsetSelectors.length > MAX_SELECTORS) throw invalid(`${at}subset_selectors`, `at most ${MAX_SELECTORS}`);
  if (metadataFallbackPolicy > MetadataFallback.FALLBACK_LIST) {
    throw invalid(`${at}metadata_fallback_policy`, `${metadataFallbackPolicy} is unknown`);
  }
  return {
    fallback: known(`${at}fallback_policy`, FALLBACKS, message.fallbackPolicy),
    defaultSubset: labelsOf(message.defaultSubset ?? {}),
    selectors: subsetSelectors.map((selector, i) => readSelector(`${at}subset_selectors[${i}]`, selector)),
    localityWeightAware: message.localityWeightAware,
    scaleLocalityWeight: message.scaleLocalityWeight,
    listAsAny: message.listAsAny,
    panicModeAny: message.panicModeAny,
    fallbackList: metadataFallbackPolicy === MetadataFallback.FALLBACK_LIST,
    allowRedundantKeys: message.allowRedundantKeys ?? false,
  };
}

function readSelector(where: string, message: SelectorMessage): SubsetSelector {
  const { keys, fallbackPolicy, fallbackKeysSubset, singleHostPerSubset: singleHost } = message;
  const fallback = known(`${where}.fallback_policy`, SELECTOR_FALLBACKS, fallbackPolicy);
  const at = `${where}.fallback_keys_subset`;
  // Envoy's conditions: what is left to ask for is less each time.
  if (fallback === 'keys' && fallbackKeysSubset.length === 0) throw invalid(at, 'required by KEYS_SUBSET');
  if (fallback === 'keys' && !fallbackKeysSubset.every((key) => keys.includes(key))) {
    throw invalid(at, 'names a key that the selector lacks');
  }
  const sorted = [...new Set(keys)].toSorted();
  const fallbackKeys = [...new Set(fallbackKeysSubset)].toSorted();
  if (fallback === 'keys' && fallbackKeys.length === sorted.length) throw invalid(at, 'has all keys of the selector');
  return { keys: sorted, singleHost, fallback, fallbackKeys };
}

function known<T>(where: string, values: Readonly<Record<number, T>>, number: number): T {
  const value = values[number];
  if (value === undefined) throw invalid(where, `${number} is unknown`);
  return value;
}

/** What the first says counts less than what the second does, label by label. Null: neither asks for anything. */
export function readSubsetMatch(outer: Metadata | undefined, inner: Metadata | undefined): SubsetMatch | null {
  const general = metadataMatch(outer);
  const special = metadataMatch(inner);
  return subsetMatchOf(general === null || special === null ? (special ?? general) : { ...general, ...special });
}
