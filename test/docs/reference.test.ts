/** The generated parts of the documents are those of the schemas as they are. `WEFT_UPDATE_GOLDENS=1` writes them anew. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { policyKinds } from '../../src/policies/all.ts';
import { authorizationKind } from '../../src/policies/authorization/policy.ts';
import { backendTrafficKind } from '../../src/policies/backend-traffic/policy.ts';
import { faultInjectionKind } from '../../src/policies/fault-injection/policy.ts';
import { xdsPatchKind } from '../../src/policies/xds-patch/policy.ts';
import { ROOT } from './doc-commands.ts';
import { supportTable } from './xds-support.ts';
import { enforcementOfAll, enforcementTable, fieldReference, flagTable } from './reference.ts';

const POLICY = 'backend-traffic-policy.md';
const PATCH = 'xds-patch.md';

const PARTS = [
  { page: POLICY, name: 'fields', expected: fieldReference(backendTrafficKind) },
  { page: POLICY, name: 'enforcement', expected: enforcementTable(backendTrafficKind) },
  { page: 'authorization-policy.md', name: 'fields', expected: fieldReference(authorizationKind) },
  { page: 'authorization-policy.md', name: 'enforcement', expected: enforcementTable(authorizationKind) },
  { page: 'fault-injection.md', name: 'fields', expected: fieldReference(faultInjectionKind) },
  { page: 'fault-injection.md', name: 'enforcement', expected: enforcementTable(faultInjectionKind) },
  { page: 'policies.md', name: 'enforcement', expected: enforcementOfAll(policyKinds) },
  { page: PATCH, name: 'fields', expected: fieldReference(xdsPatchKind) },
  { page: PATCH, name: 'enforcement', expected: enforcementTable(xdsPatchKind) },
  { page: 'http.md', name: 'flags', expected: flagTable() },
  { page: 'xds-support.md', name: 'fields', expected: supportTable() },
];

for (const { page, name, expected } of PARTS) {
  test(`${page} has its ${name}`, () => {
    const path = join(ROOT, 'docs', page);
    const [begin, end] = [`<!-- generated: ${name} -->\n`, '<!-- end -->'];
    const text = readFileSync(path, 'utf8');
    const from = text.indexOf(begin) + begin.length;
    const to = text.indexOf(end, from);
    assert.ok(from >= begin.length && to >= from, `no place for ${name}`);
    if (process.env['WEFT_UPDATE_GOLDENS'] === '1')
      writeFileSync(path, `${text.slice(0, from)}${expected}\n${text.slice(to)}`);
    const written = readFileSync(path, 'utf8').slice(from);
    assert.equal(written.slice(0, written.indexOf(end)), `${expected}\n`);
  });
}
