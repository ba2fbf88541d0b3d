import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { HeldVersions } from './held-versions.ts';

const NAMES = ['a', 'b', 'c'];

test('it is two maps, of what was sent and of what was confirmed, whatever happens to them', () => {
  const step = fc.record({
    what: fc.constantFrom('told', 'send', 'unsend', 'accept', 'drop', 'forget'),
    name: fc.constantFrom(...NAMES),
    version: fc.constantFrom('1', '2', '3'),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const held = new HeldVersions();
      const sent = new Map<string, string>();
      const acked = new Map<string, string>();
      for (const { what, name, version } of steps) {
        if (what === 'told' || what === 'send') sent.set(name, version);
        if (what === 'told' || what === 'accept') acked.set(name, version);
        if (what === 'unsend' || what === 'forget') sent.delete(name);
        if (what === 'drop' || what === 'forget') acked.delete(name);
        if (what === 'told' || what === 'send' || what === 'accept') held[what](name, version);
        else if (what === 'unsend' || what === 'drop' || what === 'forget') held[what](name);
        assert.deepEqual(new Map(held.sent), sent);
        assert.deepEqual(held.allAcked(), acked);
        for (const each of NAMES) assert.equal(held.acked(each), acked.get(each));
      }
    }),
  );
});
