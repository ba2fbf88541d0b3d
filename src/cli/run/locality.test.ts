import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runLocality } from './locality.ts';

test('a flag comes before the environment, each for itself; nothing said is nowhere', () => {
  const environment = { WEFT_REGION: 'north', WEFT_ZONE: 'north-a' };
  assert.deepEqual(runLocality({}, environment), { region: 'north', zone: 'north-a' });
  assert.deepEqual(runLocality({ zone: 'north-b' }, environment), { region: 'north', zone: 'north-b' });
  assert.deepEqual(runLocality({ region: 'south', zone: 's1' }, {}), { region: 'south', zone: 's1' });
  assert.deepEqual(runLocality({ zone: 'attic' }, { WEFT_REGION: '' }), { region: '', zone: 'attic' });
  assert.equal(runLocality({}, {}), null);
});

test('what is no label value is refused by the name of its source', () => {
  assert.throws(() => runLocality({ zone: 'a b' }, {}), /--zone a b is no name of a place/);
  assert.throws(() => runLocality({}, { WEFT_REGION: '-x' }), /WEFT_REGION -x is no name/);
  assert.throws(() => runLocality({ zone: 'z'.repeat(64) }, {}), /at most 63|no name/);
});
