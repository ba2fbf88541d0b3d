/** The real Envoy as a judge: it reads a bootstrap to the last field, and says what it would warn of. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { program } from '../support/components.ts';
import { issueSvid, testAuthority } from '../support/real-svids.ts';
import { type Credentials, type GoldenView, staticBootstrap } from './static-bootstrap.ts';

const TRUST_DOMAIN = 'weft.local';
/** Its successor, `request_body_buffer_limit`, is newer than the definitions that we generate from. */
const STILL_READ = 'per_request_buffer_limit_bytes';

const run = promisify(execFile);

export interface Verdict {
  readonly output: string;
  /** Warnings, errors and deprecations. */
  readonly complaints: readonly string[];
}

/** For the suite that calls it; its files go with it. Rejects with Envoy's words where it refuses. */
export function envoyValidator(): (name: string, view: GoldenView) => Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-'));
  let credentials: Credentials | null = null;
  before(async () => {
    const authority = await testAuthority(createNodeRuntime(), TRUST_DOMAIN);
    const svid = await issueSvid(authority, `spiffe://${TRUST_DOMAIN}/ns/shop/sa/web`);
    credentials = { ...svid, trustBundlePem: authority.trustBundlePem };
  });
  after(() => rmSync(folder, { recursive: true, force: true }));
  return async (name, view) => {
    if (credentials === null) throw new Error('before the suite began');
    const path = join(folder, `${name}.json`);
    writeFileSync(path, JSON.stringify(staticBootstrap(view, credentials)));
    const args = ['--mode', 'validate', '--log-level', 'warn', '-c', path];
    const { stdout, stderr } = await run(program('envoy'), args, { timeout: 60_000, maxBuffer: 64 * 1024 * 1024 });
    const output = stdout + stderr;
    const complaints = output.split('\n').filter((line) => /deprecated|\[(warning|error|critical)\]/i.test(line));
    return { output, complaints: complaints.filter((line) => !line.includes(STILL_READ)) };
  };
}
