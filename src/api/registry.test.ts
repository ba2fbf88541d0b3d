import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { resourceKinds } from './kinds/all.ts';
import { serviceKind } from './kinds/service.ts';
import { openApiDocument, openApiIndex } from './openapi.ts';
import { KindRegistry } from './registry.ts';
import { selects } from './selector.ts';
import { editDistance, suggest } from './suggest.ts';
import { parsePath, pathText } from './violation.ts';

const kinds = new KindRegistry(resourceKinds);

describe('KindRegistry', () => {
  test('knows a kind by every name that people and protocols use', () => {
    for (const word of ['svc', 'Service', 'services', 'service']) assert.equal(kinds.byWord(word), serviceKind, word);
    assert.equal(kinds.byWord('httproutes.gateway.networking.k8s.io')?.kind, 'HTTPRoute');
    assert.equal(kinds.byType('gateway.networking.k8s.io/v1alpha2', 'TCPRoute')?.version, 'v1');
    assert.equal(kinds.byType('v1', 'HTTPRoute'), null);
    assert.equal(kinds.byPlural('', 'v1', 'services'), serviceKind);
    assert.equal(kinds.byPlural('weft.mesh', 'v1', 'services'), null);
    assert.equal(kinds.byWord('constructor'), null);
  });

  test('guesses what was meant', () => {
    assert.equal(kinds.suggestWord('servies'), 'services');
    assert.equal(kinds.suggestWord('htproute'), 'httproutes');
    assert.equal(kinds.suggestWord('pods'), null);
  });

  test('refuses two kinds of one name', () => {
    assert.throws(() => new KindRegistry([serviceKind, serviceKind]), /both claim the name/);
  });

  test('lists its groups, core first', () => {
    assert.deepEqual(
      kinds.groupVersions.map(({ group, kinds: each }) => [group, each.length]),
      [
        ['', 2],
        ['gateway.networking.k8s.io', 2],
        ['weft.mesh', 2],
      ],
    );
  });
});

describe('suggest', () => {
  test('counts a swap of neighbours as one edit', () => {
    assert.equal(editDistance('tragetPort', 'targetPort'), 1);
    assert.equal(editDistance('', 'abc'), 3);
    assert.equal(suggest('matchs', ['path', 'matches']), 'matches');
    assert.equal(suggest('zzz', ['path', 'matches']), null);
  });

  test('the distance is a symmetric measure that is zero only between equals', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(distance >= Math.abs(a.length - b.length) && distance <= Math.max(a.length, b.length));
      }),
    );
  });
});

test('a path is read back as it was written', () => {
  const step = fc.oneof(fc.nat(), fc.string({ minLength: 1 }));
  fc.assert(fc.property(fc.array(step), (path) => assert.deepEqual(parsePath(pathText(path)), path)));
});

test('a selector matches labels that contain it, and an empty one nothing', () => {
  assert.equal(selects({ app: 'a' }, { app: 'a', version: 'v1' }), true);
  assert.equal(selects({ app: 'a', version: 'v2' }, { app: 'a', version: 'v1' }), false);
  assert.equal(selects({ constructor: 'a' }, {}), false);
  assert.equal(selects({}, { app: 'a' }), false);
  assert.equal(selects({ app: 'a' }, undefined), false);
});

describe('OpenAPI', () => {
  test('points to a document a group version', () => {
    assert.deepEqual(Object.keys(openApiIndex(kinds)['paths'] as object), [
      'api/v1',
      'apis/gateway.networking.k8s.io/v1',
      'apis/weft.mesh/v1',
    ]);
  });

  test('schemas are structural: every node has a type, none forbids unknown fields, none mentions what is unsupported', () => {
    let nodes = 0;
    const walk = (node: unknown, path: string): void => {
      if (typeof node !== 'object' || node === null) return;
      const schema = node as Record<string, unknown>;
      nodes += 1;
      assert.ok('type' in schema || schema['x-kubernetes-int-or-string'] === true, `${path} has no type`);
      assert.notEqual(schema['additionalProperties'], false, path);
      assert.ok(!('not' in schema) && !('anyOf' in schema), path);
      for (const [name, child] of Object.entries((schema['properties'] as object | undefined) ?? {}))
        walk(child, `${path}.${name}`);
      walk(schema['items'], `${path}[]`);
      walk(schema['additionalProperties'], `${path}{}`);
    };
    for (const groupVersion of kinds.groupVersions) {
      const { components } = openApiDocument(groupVersion) as { components: { schemas: Record<string, unknown> } };
      for (const [name, schema] of Object.entries(components.schemas)) walk(schema, name);
    }
    assert.ok(nodes > 100);
    assert.doesNotMatch(JSON.stringify(kinds.groupVersions.map(openApiDocument)), /queryParams|hostnames/);
  });
});
