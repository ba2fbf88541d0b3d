import assert from 'node:assert/strict';
import test from 'node:test';
import * as fc from 'fast-check';
import { isWeftError } from '../../core/errors.ts';
import { TYPE_URLS } from '../resource.ts';
import type { ReceivedResource } from './received.ts';
import { decodeSavedState, encodeSavedState } from './saved-state.ts';

const resource: fc.Arbitrary<ReceivedResource> = fc.record(
  {
    type: fc.constantFrom(...Object.values(TYPE_URLS)),
    name: fc.string({ unit: 'grapheme' }),
    version: fc.string({ unit: 'grapheme' }),
    bytes: fc.uint8Array(),
  },
  { noNullPrototype: true },
);

test('what was saved comes back', () => {
  fc.assert(
    fc.property(fc.array(resource), (resources) => {
      assert.deepEqual(decodeSavedState(encodeSavedState(resources)), resources);
    }),
  );
});

test('a damaged, cut or foreign file is refused, wherever the damage is', () => {
  const saved = fc.array(resource, { minLength: 1 }).map(encodeSavedState);
  fc.assert(
    fc.property(saved, fc.nat(), fc.integer({ min: 1, max: 255 }), (file, at, flip) => {
      const damaged = file.slice();
      damaged[at % file.length] = (damaged[at % file.length] ?? 0) ^ flip;
      for (const input of [damaged, file.subarray(0, at % file.length)]) {
        assert.throws(
          () => decodeSavedState(input),
          (error) => isWeftError(error, 'invalid'),
        );
      }
    }),
  );
});
