/**
 * gRPC by implementations that we did not write, every client with every server, unchanged, under `weft run`: all kinds
 * of calls, errors, deadlines and cancellations, with mTLS between the two sidecars.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { findPython, missing, missingPython, program } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const CASES = ['unary', 'large', 'fail', 'deadline', 'many', 'collect', 'chat', 'cancel'];
const FOLDER = join(import.meta.dirname, 'grpc');
const BUILD_LIMIT_MS = 300_000;

const mesh = new LiveMesh();

function buildGo(): string {
  const path = join(mesh.directory, 'grpc-go');
  // Modules may have to be fetched, by the versions and hashes of go.sum.
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const from = join(FOLDER, 'go');
  execFileSync(program('go'), ['build', '-o', path, '.'], { cwd: from, env, timeout: BUILD_LIMIT_MS, stdio: 'pipe' });
  return path;
}

describe('gRPC through the pair', { skip: missing('go') || missingPython('grpc') }, () => {
  const programs = new Map<string, readonly string[]>();
  let shell: MeshShell;

  before(async () => {
    await mesh.start();
    programs.set('js', [process.execPath, join(FOLDER, 'node-echo.mjs')]);
    programs.set('go', [buildGo()]);
    programs.set('python', [findPython('grpc') ?? '', join(FOLDER, 'python_echo.py')]);
    for (const [name, command] of programs) {
      const port = await freePort();
      await mesh.serve({ service: `echo-${name}`, ports: [port] }, ...command, 'server', String(port));
    }
    shell = await mesh.shell({ service: 'caller', uses: [...programs.keys()].map((name) => `echo-${name}`) });
  });
  after(() => mesh.close());

  for (const server of ['js', 'go', 'python']) {
    for (const client of ['js', 'go', 'python']) {
      test(`a client in ${client} and a server in ${server} do all kinds of calls at the service's address`, async () => {
        const variable = `ECHO_${server.toUpperCase()}_SERVICE`;
        const address = `"$${variable}_HOST:$${variable}_PORT"`;
        await assertAllCases(client, address);
      });
    }
    test(`a client in go reaches the server in ${server} by name, through CONNECT`, async () => {
      await assertAllCases('go', `passthrough:///echo-${server}:80`);
    });
  }

  test('all of it was mTLS, and counted as requests', async () => {
    for (const server of programs.keys()) {
      const service = `echo-${server}`;
      await mesh.assertSecure(service, 'requests', 'inbound', ['caller', service], 4 * CASES.length);
    }
  });

  async function assertAllCases(client: string, address: string): Promise<void> {
    const command = (programs.get(client) ?? []).map((word) => `'${word}'`).join(' ');
    const lines = (await shell.output(`${command} client ${address}`)).trim().split('\n');
    assert.deepEqual(
      lines,
      CASES.map((name) => `ok ${name}`),
    );
  }
});
