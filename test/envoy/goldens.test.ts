/** What Weft sends to its own proxy, Envoy takes too: every golden is read by the real one, to the last field. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import type { GoldenView } from './static-bootstrap.ts';
import { envoyValidator } from './validate.ts';

const GOLDENS = resolve(import.meta.dirname, '../../src/control/generate/goldens');

describe('Envoy takes what Weft generates', { skip: missing('envoy') }, () => {
  const validate = envoyValidator();

  test('and refuses a field that it does not know', async () => {
    const view: GoldenView = { Cluster: { x: { name: 'x', connectTimeoutMs: 5 } } };
    await assert.rejects(validate('unknown', view), /connectTimeoutMs/);
  });

  for (const file of globSync(`${GOLDENS}/*.json`).toSorted()) {
    const golden = JSON.parse(readFileSync(file, 'utf8')) as Record<string, GoldenView>;
    for (const [node, view] of Object.entries(golden)) {
      const name = basename(file, '.json');
      test(`${name}: ${node}`, async () => {
        const { output, complaints } = await validate(`${name}-${basename(node)}`, view);
        assert.match(output, /OK/);
        assert.deepEqual(complaints, []);
      });
    }
  }
});
