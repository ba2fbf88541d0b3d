import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldsOf, fromFieldsV1, toFieldsV1 } from './field-set.ts';
import type { Manager, Owner } from './managed-fields.ts';
import { applyFields } from './ownership.ts';

const alice: Manager = { name: 'alice', operation: 'Apply', subresource: '' };
const bob: Manager = { name: 'bob', operation: 'Apply', subresource: '' };

interface State {
  object: unknown;
  owners: readonly Owner[];
}

function apply(state: State, config: unknown, manager: Manager, force = true): State {
  const applied = applyFields(state.object, state.owners, config, manager, force, 'now');
  assert.ok(!('conflicts' in applied));
  return applied;
}

const name = fc.constantFrom('a', 'b', 'c~', 'd/e', 'constructor');
const { config } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small' }, fc.integer({ max: 2 }), fc.constant([]), tie('config')),
  config: fc.dictionary(name, tie('value'), { maxKeys: 3, noNullPrototype: true }),
}));
const spec = config.map((value) => ({ spec: value }));

test('fields survive the form in which managedFields keeps them', () => {
  fc.assert(fc.property(spec, (value) => assert.deepEqual(fromFieldsV1(toFieldsV1(fieldsOf(value))), fieldsOf(value))));
});

test('after an apply, the object has what was applied, and applying it again changes nothing', () => {
  fc.assert(
    fc.property(spec, spec, spec, (first, second, third) => {
      let state: State = { object: null, owners: [] };
      state = apply(state, first, alice);
      state = apply(state, second, bob);
      state = apply(state, third, alice);
      for (const path of fieldsOf(third)) {
        assert.ok([...fieldsOf(state.object)].some((field) => field === path || field.startsWith(`${path}/`)));
      }
      assert.deepEqual(apply(state, third, alice), state);
    }),
  );
});

test('what one manager alone applied goes when it applies nothing', () => {
  fc.assert(
    fc.property(spec, (value) => {
      const state = apply({ object: null, owners: [] }, value, alice);
      const emptied = apply(state, {}, alice);
      assert.deepEqual([...fieldsOf(emptied.object)], []);
    }),
  );
});

test('a manager never loses a field without force', () => {
  fc.assert(
    fc.property(spec, spec, (mine, theirs) => {
      const state = apply({ object: null, owners: [] }, mine, alice);
      const applied = applyFields(state.object, state.owners, theirs, bob, false, 'now');
      if ('conflicts' in applied) return;
      const kept = applied.owners.find((owner) => owner.name === 'alice');
      assert.deepEqual(kept?.fields, fieldsOf(mine));
      assert.deepEqual(apply({ object: applied.object, owners: applied.owners }, mine, alice).object, applied.object);
    }),
  );
});
