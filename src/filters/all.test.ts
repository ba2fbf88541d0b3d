import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWeftError } from '../core/errors.ts';
import { FILTER_MODULES } from './all.ts';

test('every filter is found by its type, reads the empty message and refuses what is no message', () => {
  assert.ok(FILTER_MODULES.size >= 2);
  for (const [type, module] of FILTER_MODULES) {
    assert.ok(module.types.includes(type));
    assert.doesNotThrow(() => module.read(new Uint8Array(0)));
    assert.throws(
      () => module.read(Uint8Array.of(0x0a, 0x50)),
      (error) => isWeftError(error, 'invalid'),
    );
  }
});
