/** Connections that the kernel redirected: Envoy and our own proxy lead them to the listener and the chain of where they were going. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { findProgram, missing } from '../support/components.ts';

/** A network namespace, and a Node that can ask the kernel. */
function whyNot(): string | false {
  const lacking = missing('envoy');
  if (lacking !== false) return lacking;
  if (findProgram('unshare') === null || findProgram('ip') === null) return 'needs unshare and ip';
  if (process.getBuiltinModule('node:ffi') === undefined) return 'this Node has no node:ffi';
  const { status } = spawnSync('unshare', ['--net', 'true']);
  return status === 0 ? false : 'no network namespace of its own is to be had here';
}

describe('connections that the kernel redirected', { skip: whyNot() }, () => {
  test('both proxies know where each was going', { timeout: 90_000 }, async () => {
    const fixture = join(import.meta.dirname, 'redirected.fixture.ts');
    const { stdout } = await promisify(execFile)('unshare', ['--net', process.execPath, fixture], { timeout: 80_000 });
    const answers = JSON.parse(stdout) as Record<string, readonly string[]>;
    assert.deepEqual(answers['weft HANDING_OVER'], [
      '10.1.0.1:81 10.1.0.1:81',
      '10.9.0.1:81 rest',
      '10.9.0.1:82 all of 82',
      '10.2.0.3:83 to 10.2/16',
      '10.9.9.9:99 to port 99',
      '127.0.0.1:15001 rest',
    ]);
    assert.deepEqual(answers['weft FILTERING'], [
      '10.1.0.1:81 rest',
      '10.9.0.1:81 rest',
      '10.9.0.1:82 rest',
      '10.2.0.3:83 to 10.2/16',
      '10.9.9.9:99 to port 99',
      '127.0.0.1:15001 rest',
    ]);
    assert.deepEqual(answers['weft HANDING_OVER'], answers['envoy HANDING_OVER']);
    assert.deepEqual(answers['weft FILTERING'], answers['envoy FILTERING']);
  });
});
