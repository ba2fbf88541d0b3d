/** The generated parts of the documents are those of the schemas as they are. `WEFT_UPDATE_GOLDENS=1` writes them anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backendTrafficKind } from '../../src/policies/backend-traffic/policy.ts';
import { ROOT } from './doc-commands.ts';
import { enforcementTable, fieldReference } from './reference.ts';

const PAGE = join(ROOT, 'docs/backend-traffic-policy.md');

const PARTS = { fields: fieldReference(backendTrafficKind), enforcement: enforcementTable(backendTrafficKind) };

for (const [name, expected] of Object.entries(PARTS)) {
  test(`the page of BackendTrafficPolicy has its ${name}`, () => {
    const [begin, end] = [`<!-- generated: ${name} -->\n`, '<!-- end -->'];
    const page = readFileSync(PAGE, 'utf8');
    const from = page.indexOf(begin) + begin.length;
    const to = page.indexOf(end, from);
    assert.ok(from >= begin.length && to >= from, `no place for ${name}`);
    if (process.env['WEFT_UPDATE_GOLDENS'] === '1')
      writeFileSync(PAGE, `${page.slice(0, from)}${expected}\n${page.slice(to)}`);
    const written = readFileSync(PAGE, 'utf8').slice(from);
    assert.equal(written.slice(0, written.indexOf(end)), `${expected}\n`);
  });
}
