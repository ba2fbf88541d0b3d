/** Where workloads say that they are decides where requests go, when a policy asks for it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';

const NAMED = `require('node:http').createServer((q, r) => r.end(process.env.NAME + '\\n')).listen(Number(process.argv[1]), '127.0.0.1')`;
const POLICY = `
apiVersion: weft.mesh/v1
kind: BackendTrafficPolicy
metadata: { name: near }
spec:
  targetRefs: [{ group: "", kind: Service, name: catalog }]
  locality: { mode: Failover }
`;
const skip = missing('curl');
const mesh = new LiveMesh();

before(async () => {
  if (skip === false) await mesh.start();
});
after(() => mesh.close());

async function serve(name: string, flags: readonly string[], env: NodeJS.ProcessEnv) {
  const port = await freePort();
  const options = { service: 'catalog', name, ports: [`main=${port}:http`], flags, env: { ...env, NAME: name } };
  return mesh.serve(options, process.execPath, '-e', NAMED, String(port));
}

test('requests stay in the zone of the caller, and go elsewhere when it has nobody left', { skip }, async () => {
  const near = await serve('catalog-near', ['--zone', 'north-a'], { WEFT_REGION: 'north', WEFT_ZONE: 'ignored' });
  await serve('catalog-far', ['--region', 'south', '--zone', 'south-a'], {});
  const record = await mesh.workload('catalog-near');
  assert.deepEqual(record?.spec?.locality, { region: 'north', zone: 'north-a' });
  const path = join(mesh.directory, 'near.yaml');
  writeFileSync(path, POLICY);
  const applied = await mesh.weft(['apply', '-f', path]);
  assert.equal(applied.code, 0, applied.stderr);
  const flags = ['--region', 'north', '--zone', 'north-a'];
  const shell = await mesh.shell({ service: 'web', uses: ['catalog'], flags });
  const ask = async (): Promise<string[]> => {
    const answers = await shell.output('for i in 1 2 3 4 5 6 7 8 9 10; do curl -sS -m 5 http://catalog/; done');
    return [...new Set(answers.trim().split('\n'))];
  };
  await until('the policy is there', 10_000, async () => (await ask()).join() === 'catalog-near');
  assert.deepEqual(await ask(), ['catalog-near']);
  await near.stop();
  await until('the near one has left', 10_000, async () => (await ask()).join() === 'catalog-far');
  await serve('catalog-near', flags, {});
  await until('the near one is back', 10_000, async () => (await ask()).join() === 'catalog-near');
});
