import assert from 'node:assert/strict';
import { test } from 'node:test';
import { host } from './balance/sample-hosts.ts';
import { viewSubset } from './explain-subset.ts';
import { type SubsetConfig, type SubsetSelector, subsetMatchOf } from './subset-match.ts';

const BASE: SubsetConfig = {
  fallback: 'none',
  defaultSubset: [{ key: 'stage', value: '"prod"' }],
  selectors: [],
  localityWeightAware: false,
  scaleLocalityWeight: false,
  listAsAny: false,
  panicModeAny: false,
  fallbackList: false,
  allowRedundantKeys: false,
};
const ENDPOINTS = [{ version: 1, stage: 'prod' }, { version: 2 }].map(
  (labels, i) => host({ key: `${i}`, labels }).endpoint,
);

function viewed(parts: Partial<SubsetConfig>, asked: Readonly<Record<string, unknown>> | null): string {
  const { why, has } = viewSubset({ ...BASE, ...parts }, subsetMatchOf(asked), ENDPOINTS);
  return `${why}: ${ENDPOINTS.filter(has)
    .map(({ key }) => key)
    .join()}`;
}

function by(keys: readonly string[], fallback: SubsetSelector['fallback'] = 'unset'): Partial<SubsetConfig> {
  return { selectors: [{ keys, singleHost: false, fallback, fallbackKeys: ['version'] }, ...SELECTORS] };
}
const SELECTORS: readonly SubsetSelector[] = [
  { keys: ['version'], singleHost: false, fallback: 'unset', fallbackKeys: [] },
];

test('an explanation names the subset, or what stands in for it', () => {
  assert.deepEqual(viewSubset(null, null, ENDPOINTS).why, '');
  assert.equal(viewed(by([]), { version: 2 }), 'the subset version=2: 1');
  assert.equal(viewed(by([]), { version: 3 }), 'no subset version=3, and nothing stands in for it: ');
  assert.equal(viewed({ ...by([]), fallback: 'any' }, null), 'no subset is asked for, so any host: 0,1');
  assert.equal(viewed(by(['stage'], 'default'), { stage: 'x' }), 'no subset stage="x", so the default stage="prod": 0');
  assert.equal(
    viewed(by(['stage', 'version'], 'keys'), { stage: 'x', version: 2 }),
    'no subset stage="x" version=2, so the subset version=2: 1',
  );
  assert.equal(
    viewed({ ...by([]), fallbackList: true }, { fallback_list: [{ version: 1 }] }),
    'the subset version=1: 0',
  );
});
