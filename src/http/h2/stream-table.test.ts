/** A table of streams answers as a Map would, whatever order they come and go in. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { StreamTable } from './stream-table.ts';

test('as a Map, under churn, with streams that stay', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(200)), { maxLength: 400 }), (steps) => {
      const table = new StreamTable<{ id: number }>();
      const model = new Map<number, { id: number }>();
      for (const [adds, n] of steps) {
        // Far apart, so that they wrap onto each other's places.
        const id = 2 * n * ((n % 3) * 16 + 1) + 1;
        const old = model.get(id);
        if (adds && old === undefined) {
          const stream = { id };
          table.add(stream);
          model.set(id, stream);
        } else if (!adds && old !== undefined) {
          table.remove(old);
          table.remove(old);
          model.delete(id);
        }
        assert.equal(table.size, model.size);
        assert.equal(table.get(id), model.get(id) ?? null);
      }
      for (const [id, stream] of model) assert.equal(table.get(id), stream);
      assert.deepEqual(
        table.list().map((s) => s.id),
        [...model.keys()].toSorted((a, b) => a - b),
      );
    }),
  );
});
