/** weft.yaml: what it may say, and what is said about what it may not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { violationText } from '../../api/violation.ts';
import { launchOf, namesExpectedToFail, planResources, planServices, planWorkloads } from './plan.ts';
import { loadProject, type Project, readProject } from './project-file.ts';

const SHOP = new URL('../../../examples/shop', import.meta.url).pathname;

function project(source: string): Project {
  const { project: found, violations } = readProject(source, 'weft.yaml');
  assert.deepEqual(violations, []);
  assert.ok(found);
  return found;
}

function complaints(source: string): string[] {
  return readProject(source, 'weft.yaml').violations.map(violationText);
}

test('the demo is a valid project of seven workloads', () => {
  const { project: shop, violations } = loadProject(SHOP);
  assert.deepEqual(violations, []);
  assert.ok(shop);
  assert.equal(planWorkloads(shop).length, 7);
  assert.deepEqual(namesExpectedToFail(planWorkloads(shop)), ['catalog', 'catalog-v2']);
});

test('all violations are found at once, each at its line and column', () => {
  const found = complaints(
    'services:\n  web:\n    comand: node web.js\n    port: 99999\n  Bad_Name:\n    command: x\n',
  );
  assert.equal(found.length, 4);
  assert.match(
    found.join('\n'),
    /weft\.yaml:3:5: services\.web\.comand: is not a field here\. Did you mean "command"\?/,
  );
  assert.match(found.join('\n'), /services\.web\.command: is required/);
  assert.match(found.join('\n'), /weft\.yaml:4:5: services\.web\.port: must be at most 65535/);
  assert.match(found.join('\n'), /Bad_Name/);
});

test('rules between fields are checked when the form is right', () => {
  assert.match(
    complaints('services: {web: {command: x, uses: [catalogue]}, catalog: {command: y}}').join(),
    /Did you mean "catalog"\?/,
  );
  assert.match(complaints('services: {web: {command: x, protocol: http}}').join(), /needs port/);
  assert.match(
    complaints('services: {web: {command: x, replicas: 2}, web-1: {command: y}}').join(),
    /makes a workload web-1, as web does/,
  );
});

test('YAML that is none is one violation with its place', () => {
  assert.match(complaints('services: {').join(), /^weft\.yaml:\d+:\d+: is not valid YAML/);
  assert.match(complaints('').join(), /services: is required/);
});

test('Services stand before their workloads: for all versions and for each, with port 80 where it may be HTTP', () => {
  const services = planServices(
    project(
      'services: {c1: {service: c, version: v1, command: x, port: 81}, c2: {service: c, version: V.2, command: x, port: 82}, cart: {command: x, port: 63, protocol: tcp}, load: {command: x}}',
    ),
  );
  assert.deepEqual(
    services.map((each) => [
      each.metadata.name,
      each.spec?.selector,
      each.spec?.ports?.map((port) => [port.port, port.targetPort]),
    ]),
    [
      [
        'c',
        { app: 'c' },
        [
          [80, 'main'],
          [81, 'main'],
        ],
      ],
      [
        'c-v1',
        { app: 'c', version: 'v1' },
        [
          [80, 'main'],
          [81, 'main'],
        ],
      ],
      [
        'c-v-2',
        { app: 'c', version: 'V.2' },
        [
          [80, 'main'],
          [82, 'main'],
        ],
      ],
      ['cart', { app: 'cart' }, [[63, 'main']]],
    ],
  );
  assert.equal(planResources(project('namespace: shop\nservices: {}'))[0]?.metadata.name, 'shop');
});

test('each instance of a service is launched with a port of its own, under its own name', () => {
  const [first, second] = planWorkloads(
    project('services: {web: {command: "node web.js", port: 80, protocol: http, replicas: 2, uses: [], env: {A: b}}}'),
  );
  assert.ok(first && second);
  assert.deepEqual([first.name, first.anyPort, second.name, second.anyPort], ['web-1', false, 'web-2', true]);
  const place = {
    directory: '/p',
    stateDir: '/s',
    namespace: 'n',
    environment: { PATH: '/bin' },
    execPath: '/node/bin/node',
  };
  const launch = launchOf(second, [4242], place);
  assert.deepEqual(launch.words, [
    ...['run', '--state-dir', '/s', '--namespace', 'n', '--service', 'web', '--name', 'web-2'],
    ...['--port', 'main=4242:http', '--uses', '', '--', '/bin/sh', '-c', 'node web.js'],
  ]);
  assert.deepEqual(launch.env, { PATH: '/bin:/node/bin', PORT: '4242', PORT_MAIN: '4242', A: 'b' });
});
