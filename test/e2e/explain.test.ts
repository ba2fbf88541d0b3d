/** `weft explain` tells where a request goes by what the caller's proxy holds, and what that proxy knows now. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const ANSWER = `require('node:http').createServer((q, r) => { r.statusCode = Number(process.env.STATUS); r.end(); }).listen(Number(process.argv[1]), '127.0.0.1')`;
const resources = (algorithm: string): string => `
apiVersion: weft.mesh/v1
kind: BackendTrafficPolicy
metadata: { name: catalog }
spec:
  targetRefs: [{ group: "", kind: Service, name: catalog }]
  loadBalancing: { algorithm: ${algorithm} }
  limits: { requests: 77 }
  outlierDetection: { consecutive5xx: 2, baseEjectionTime: 60s, maxEjectionPercent: 50 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: catalog }
spec:
  parentRefs: [{ group: "", kind: Service, name: catalog, port: 80 }]
  rules:
    - name: vip
      matches: [{ headers: [{ name: x-vip, value: "yes" }] }]
      backendRefs: [{ name: catalog, port: 80 }]
    - name: rest
      backendRefs: [{ name: catalog, port: 80 }]
`;
const LIMIT_MS = 30_000;
const skip = missing('curl');
const mesh = new LiveMesh();

interface Step {
  readonly stage: string;
  readonly name: string;
  readonly why: string;
  readonly origin: string;
}

before(async () => {
  if (skip === false) await mesh.start();
});
after(() => mesh.close());

async function serve(name: string, status: number): Promise<void> {
  const port = await freePort();
  const options = { service: 'catalog', name, ports: [`main=${port}:http`], env: { STATUS: String(status) } };
  await mesh.serve(options, process.execPath, '-e', ANSWER, String(port));
}

async function apply(algorithm: string): Promise<void> {
  const path = join(mesh.directory, 'catalog.yaml');
  writeFileSync(path, resources(algorithm));
  const { code, stderr } = await mesh.weft(['apply', '-f', path]);
  assert.equal(code, 0, stderr);
}

async function explain(...words: string[]): Promise<readonly Step[]> {
  const { code, stdout, stderr } = await mesh.weft(['explain', '--from', 'web', '-o', 'json', ...words]);
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout) as { steps: readonly Step[] }).steps;
}

test('the explanation names route, policy and endpoints, and what the proxy has learnt of them', { skip }, async () => {
  await serve('catalog-good', 200);
  await serve('catalog-bad', 500);
  await apply('RoundRobin');
  const shell = await mesh.shell({ service: 'web', uses: ['catalog'] });
  const of = (steps: readonly Step[], workload: string): string =>
    steps.find(({ stage, why }) => stage === 'endpoint' && why.includes(workload))?.why ?? '';
  const policyIs = (name: string): Promise<unknown> =>
    until(`the policy is ${name}`, LIMIT_MS, async () =>
      (await explain('http://catalog/')).some(({ why }) => why.includes(`the only one; ${name}`)),
    );
  await policyIs('round-robin');
  assert.match(of(await explain('http://catalog/'), 'catalog-bad'), /weight 1; 0 in flight, 0 so far/);
  await until('the bad one is ejected', LIMIT_MS, async () => {
    await shell.output('for i in 1 2 3 4 5 6; do curl -sS -m 5 -o /dev/null http://catalog/; done');
    return of(await explain('http://catalog/'), 'catalog-bad').includes('ejected');
  });
  await apply('PeakEwma');
  await policyIs('peak-ewma');
  const steps = await explain('http://catalog/');
  assert.deepEqual(
    steps.map(({ stage }) => stage).filter((stage) => stage !== 'filter'),
    [
      ...['listener', 'chain', 'host', 'route', 'cluster', 'endpoint', 'endpoint'],
      ...['callee', 'listener', 'chain', 'host', 'route', 'cluster'],
    ],
  );
  assert.match(
    steps.find(({ stage }) => stage === 'route')?.origin ?? '',
    /^HTTPRoute\/default\/catalog spec.rules\[1\]/,
  );
  assert.match(of(steps, 'catalog-bad'), /ejected: .*5xx, for \d+ s more; 0 in flight, \d+ so far, [2-9]\d* failed/);
  assert.match(of(steps, 'catalog-good'), /weight 1; 0 in flight, \d+ so far, answers within [\d.]+ ms/);
  const vip = await explain('-H', 'x-vip: yes', 'http://catalog/');
  assert.match(vip.find(({ stage }) => stage === 'route')?.origin ?? '', /spec.rules\[0\]/);
  const shown = await mesh.weft(['explain', '--from', 'web', 'http://nowhere.example/']);
  assert.match(shown.stdout, /^STAGE +CHOSEN +WHY[^]*passthrough/);
});

test('it goes on to what stands before the application, and names the rule and where it was written', {
  skip,
}, async () => {
  const path = join(mesh.directory, 'readers.yaml');
  writeFileSync(
    path,
    `
apiVersion: weft.mesh/v1
kind: AuthorizationPolicy
metadata: { name: readers }
spec:
  targetRefs: [{ group: "", kind: Service, name: catalog }]
  action: ALLOW
  rules:
    - name: web-reads
      from: [{ serviceAccounts: [web] }]
      to: [{ methods: [GET] }]
`,
  );
  const { code, stderr } = await mesh.weft(['apply', '-f', path]);
  assert.equal(code, 0, stderr);
  const verdict = (steps: readonly Step[]) => steps.find(({ name }) => name === 'authorization-allow');
  const allowed = await until('the policy is there', LIMIT_MS, async () => verdict(await explain('http://catalog/')));
  assert.match(allowed.why, /allowed by policy default\/readers\/web-reads/);
  assert.match(allowed.origin, /^AuthorizationPolicy\/default\/readers web-reads \(.*readers\.yaml:2\)$/);
  const denied = await explain('-X', 'DELETE', 'http://catalog/');
  assert.equal(verdict(denied), denied.at(-1));
  assert.match(denied.at(-1)?.why ?? '', /refused by none of 1 policies/);
});

test('who asks for what is none is told how to', { skip }, async () => {
  const cases: [string[], RegExp][] = [
    [['--from', 'web', 'catalog'], /catalog is not http:\/\/HOST\/PATH/],
    [['--from', 'web', '-H', 'x', 'http://catalog/'], /--header x is not NAME: VALUE/],
    [['--from', 'nobody', 'http://catalog/'], /there is no workload "nobody"/],
  ];
  for (const [words, expected] of cases) {
    const { code, stderr } = await mesh.weft(['explain', ...words]);
    assert.notEqual(code, 0);
    assert.match(stderr, expected);
  }
});
