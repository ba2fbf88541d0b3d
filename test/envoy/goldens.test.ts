/** What Weft sends to its own proxy, Envoy takes too: every golden is read by the real one, to the last field. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { missing, program } from '../support/components.ts';
import { issueSvid, testAuthority } from '../support/real-svids.ts';
import { type Credentials, type GoldenView, staticBootstrap } from './static-bootstrap.ts';

const GOLDENS = resolve(import.meta.dirname, '../../src/control/generate/goldens');
const TRUST_DOMAIN = 'weft.local';

/** Its successor, `request_body_buffer_limit`, is newer than the definitions that we generate from. */
const STILL_READ = 'per_request_buffer_limit_bytes';

const run = promisify(execFile);

describe('Envoy takes what Weft generates', { skip: missing('envoy') }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-'));
  let credentials: Credentials;

  before(async () => {
    const authority = await testAuthority(createNodeRuntime(), TRUST_DOMAIN);
    const svid = await issueSvid(authority, `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`);
    credentials = { ...svid, trustBundlePem: authority.trustBundlePem };
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  async function validate(name: string, bootstrap: unknown): Promise<string> {
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(bootstrap));
    const args = ['--mode', 'validate', '--log-level', 'warn', '-c', path];
    const { stdout, stderr } = await run(program('envoy'), args, { timeout: 60_000 });
    return stdout + stderr;
  }

  test('and refuses a field that it does not know', async () => {
    const view: GoldenView = { Cluster: { x: { name: 'x', connectTimeoutMs: 5 } } };
    await assert.rejects(validate('unknown', staticBootstrap(view, credentials)), /connectTimeoutMs/);
  });

  for (const file of globSync(join(GOLDENS, '*.json')).toSorted()) {
    const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, GoldenView>;
    for (const [node, view] of Object.entries(golden)) {
      const name = basename(file, '.json');
      test(`${name}: ${node}`, async () => {
        const output = await validate(`${name}-${basename(node)}`, staticBootstrap(view, credentials));
        assert.match(output, /OK/);
        const complaints = output.split('\n').filter((line) => /deprecated|\[(warning|error|critical)\]/i.test(line));
        assert.deepEqual(
          complaints.filter((line) => !line.includes(STILL_READ)),
          [],
        );
      });
    }
  }
});
