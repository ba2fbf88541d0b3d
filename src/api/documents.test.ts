import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isWeftError } from '../core/errors.ts';
import { resourceKinds } from './kinds/all.ts';
import { parseDocuments } from './documents.ts';
import { KindRegistry } from './registry.ts';
import { violationText } from './violation.ts';

const kinds = new KindRegistry(resourceKinds);
const parse = (text: string) => parseDocuments(kinds, [{ text, file: 'shop.yaml' }], 'default');
const violations = (text: string) => parse(text).violations.map(violationText);

const SERVICE = 'apiVersion: v1\nkind: Service\nmetadata: {name: catalog}\nspec: {ports: [{port: 80}]}\n';

describe('parseDocuments', () => {
  test('reads a stream of YAML documents, each with the line it begins on', () => {
    const { documents } = parse(`# the shop\n---\n${SERVICE}---\n${SERVICE.replace('catalog', 'stock')}---\n`);
    assert.deepEqual(
      documents.map(({ resource, place }) => [resource.metadata.name, resource.metadata.namespace, place.line]),
      [
        ['catalog', 'default', 3],
        ['stock', 'default', 8],
      ],
    );
  });

  test('reads JSON and the items of a List', () => {
    const item = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'a', namespace: 'x' },
      spec: { ports: [{ port: 1 }] },
    };
    const { documents } = parse(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [item] }, null, 1));
    assert.deepEqual(documents[0]?.resource, item);
    assert.deepEqual(documents[0]?.locate('spec.ports[0].port'), { file: 'shop.yaml', line: 15, column: 7 });
  });

  test('finds every violation of every document, in order, with its place', () => {
    const found = violations(`apiVersion: v1
kind: Service
metadata: {name: catalog, creationTimestamp: null, labels: {version: 1}}
spec:
  selectors: {app: catalog}
  ports:
    - port: 80
      tragetPort: 8080
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: catalog}
spec:
  hostnames: [a]
  parentRefs:
    - kind: Service
      name: catalog
  rules:
    - matches:
        - path: {type: exact, value: /x}
          headrs: []
      backendRefs: [{name: catalog-v1, weight: "90"}]
      timeouts: {request: 1s, backendRequest: 2s}
---
apiVersion: v1
kind: Servce
---
a: [1
`);
    assert.deepEqual(found, [
      'shop.yaml:3:61: Service default/catalog: metadata.labels.version: must be a string, is 1. Put it in quotes: "1"',
      'shop.yaml:5:3: Service default/catalog: spec.selectors: is not a field here. Did you mean "selector"?',
      'shop.yaml:8:7: Service default/catalog: spec.ports[0].tragetPort: is not a field here. Did you mean "targetPort"?',
      'shop.yaml:14:3: HTTPRoute default/catalog: spec.hostnames: is not supported in this version of Weft. A route whose parent is a Service ignores hostnames (GAMMA): remove them',
      'shop.yaml:16:7: HTTPRoute default/catalog: spec.parentRefs[0].group: must be "" for a Service. Write group: "" beside kind: Service (unset means gateway.networking.k8s.io)',
      'shop.yaml:20:18: HTTPRoute default/catalog: spec.rules[0].matches[0].path.type: must be one of "Exact", "PathPrefix", "RegularExpression", is "exact". Did you mean "Exact"?',
      'shop.yaml:21:11: HTTPRoute default/catalog: spec.rules[0].matches[0].headrs: is not a field here. Did you mean "headers"?',
      'shop.yaml:22:21: HTTPRoute default/catalog: spec.rules[0].backendRefs[0].port: is required',
      'shop.yaml:22:40: HTTPRoute default/catalog: spec.rules[0].backendRefs[0].weight: must be a number, is "90"',
      'shop.yaml:23:31: HTTPRoute default/catalog: spec.rules[0].timeouts.backendRequest: must be at most request, 1s',
      'shop.yaml:26:1: Servce: kind: is not known: "Servce" of "v1". Did you mean "Service"?',
      'shop.yaml:29:1: is not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ]);
  });

  test('gives no documents at all when one of the set is wrong', () => {
    assert.deepEqual(parse(`${SERVICE}---\nkind: Service\n`).documents, []);
  });

  test('refuses the same object twice in a set, across files, naming the first', () => {
    const sources = ['a.yaml', 'b.yaml'].map((file) => ({ file, text: SERVICE }));
    const found = parseDocuments(kinds, sources, 'default').violations.map(violationText);
    assert.deepEqual(found, [
      'b.yaml:3:12: Service default/catalog: metadata.name: repeats an object of this set, at a.yaml:1. Remove or rename one of them',
    ]);
    const [first, second] = [SERVICE, SERVICE.replace('catalog', 'catalog, namespace: other')];
    assert.equal(parse(`${first}---\n${second}`).documents.length, 2);
  });

  test('refuses a field that is written twice', () => {
    assert.match(
      violations(SERVICE.replace('port: 80', 'port: 80, port: 81'))[0] ?? '',
      /:4:27: .*has the field "port" twice/,
    );
  });

  test('expands aliases, to the value that the anchor had there', () => {
    const { documents } = parse(
      `${SERVICE}  # end\n`.replace('{ports: [{port: 80}]}', '\n  x: &a {port: 1}\n  y: &a {port: 2}\n  ports: [*a]'),
    );
    assert.deepEqual(documents[0]?.resource.spec, { x: { port: 1 }, y: { port: 2 }, ports: [{ port: 2 }] });
  });

  test('bounds documents, bytes, depth and what aliases expand to', () => {
    const refused = (text: string) =>
      assert.throws(
        () => parse(text),
        (error) => isWeftError(error, 'limit-exceeded'),
      );
    refused('a: 1\n---\n'.repeat(10_001));
    refused(`# ${'x'.repeat(10 * 1024 * 1024)}`);
    assert.match(violations(`a: ${'['.repeat(100)}${']'.repeat(100)}`)[0] ?? '', /nested deeper than 64 levels/);
    assert.match(violations('- '.repeat(100_000))[0] ?? '', /nested deeper|not valid YAML/);
    const names = 'abcdefghi'.split('');
    const layer = (name: string, index: number) => `${name}: &${name} [${Array(9).fill(`*${names[index]}`).join(',')}]`;
    const bomb = names.slice(1).map(layer).join('\n');
    assert.match(violations(`a: &a [1]\n${bomb}`)[0] ?? '', /larger than 500000 values/);
    assert.match(violations('a: &a [*a]')[0] ?? '', /nested deeper than 64 levels/);
  });

  test('many aliases cost time in proportion', { timeout: 20_000 }, () => {
    const { violations: found } = parse(`a: &a 1\nb: [${Array(100_000).fill('*a').join(',')}]`);
    assert.equal(found.length, 2);
  });
});
