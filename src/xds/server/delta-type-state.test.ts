import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { Limit } from '../../core/limit.ts';
import { TYPE_URLS, type XdsResource } from '../resource.ts';
import { DeltaDiscoveryRequestTable } from '../tables/tables.gen.ts';
import { create } from '../wire/table.ts';
import { DeltaTypeState } from './delta-type-state.ts';
import { resource } from './session.fixture.ts';

const NAMES = ['a', 'b', 'c', 'd'];
const name = fc.constantFrom(...NAMES);
const names = fc.uniqueArray(name);

const step = fc.oneof(
  fc.record({
    what: fc.constant('offer' as const),
    all: fc.dictionary(name, fc.constantFrom('1', '2', '3')),
  }),
  fc.record({ what: fc.constant('ask' as const), subscribe: names, unsubscribe: names }),
  fc.record({ what: fc.constant('send' as const) }),
  fc.record({ what: fc.constant('refuse' as const), name }),
  fc.record({ what: fc.constant('withhold' as const), name, is: fc.boolean() }),
);

test('what is due is what all names compared say, whichever of them were compared', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.boolean(), (steps, wildcard) => {
      const withheld = new Set<string>();
      const parts = { type: TYPE_URLS.cluster, nameBytes: new Limit('test', 1e6) };
      const state = new DeltaTypeState({ ...parts, isWithheld: (each) => withheld.has(each) });
      state.changeNames(request(wildcard ? [] : ['a'], []));
      for (const each of steps) {
        if (each.what === 'ask') state.changeNames(request(each.subscribe, each.unsubscribe));
        else if (each.what === 'offer') state.offer(offerOf(each.all));
        else if (each.what === 'refuse') refuse(state, each.name);
        else if (each.what === 'send') {
          state.refresh(0);
          state.sending('1', 1, state.additions(1e6));
          state.sending('2', 2, state.withdrawals());
        } else if (state.refused.size > 0 || !each.is) {
          // Content is withheld from who has refused it.
          if (each.is) withheld.add(each.name);
          else withheld.delete(each.name);
        }
        state.refresh(0);
        const { offered, held } = state;
        for (const one of NAMES) {
          const [now, has] = [offered.get(one)?.version, held.sent.get(one)];
          const differs = state.isSubscribed(one) && now !== has;
          assert.equal(state.removals.has(one), differs && now === undefined, `removal of ${one}`);
          const isKept = has !== undefined && state.refused.get(one) === now;
          assert.equal(state.upserts.has(one), differs && now !== undefined && !isKept, `upsert of ${one}`);
        }
      }
    }),
  );
});

function request(resourceNamesSubscribe: string[], resourceNamesUnsubscribe: string[]) {
  return create(DeltaDiscoveryRequestTable, { resourceNamesSubscribe, resourceNamesUnsubscribe });
}

const made = new Map<string, XdsResource>();

/** The same resource for the same content, as views give. */
function offerOf(all: Readonly<Record<string, string>>): ReadonlyMap<string, XdsResource> {
  const offer = new Map<string, XdsResource>();
  for (const [one, version] of Object.entries(all)) {
    const found = made.get(one + version) ?? resource(TYPE_URLS.cluster, one, version);
    made.set(one + version, found);
    offer.set(one, found);
  }
  return offer;
}

function refuse(state: DeltaTypeState, one: string): void {
  const has = state.held.sent.get(one);
  if (has !== undefined) state.refused.set(one, has);
}
