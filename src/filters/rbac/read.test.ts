import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isWeftError } from '../../core/errors.ts';
import type { Permission, Principal } from '../../xds/tables/messages.gen.ts';
import { HttpRbacPerRouteTable, HttpRbacTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { rbac, rbacPerRoute } from './rbac.ts';
import { ANY, ANYBODY, exact, header, httpRbac, path, policy, prefix, rules } from './test/policies.ts';

function refusal(config: Uint8Array, module = rbac): string {
  try {
    module.read(config);
  } catch (error) {
    assert.ok(isWeftError(error), String(error));
    return error.where ?? '';
  }
  assert.fail('nothing was refused');
}

const asks = (permission: Permission): Uint8Array => httpRbac(rules(0, { p: policy([ANY, permission]) }));
const is = (principal: Principal): Uint8Array => httpRbac(rules(0, { p: policy([ANY], [principal]) }));
const ip = (addressPrefix: string, prefixLen: number): Principal => ({
  identifier: { case: 'sourceIp', value: { addressPrefix, prefixLen } },
});

test('what cannot be honoured is refused, with the path to it', () => {
  const at = 'rules.policies["p"]';
  const metadata = { filter: 'x', path: [], value: undefined, invert: false };
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [asks({ rule: { case: 'metadata', value: metadata } }), `${at}.permissions[1].metadata`],
    [asks({ rule: { case: undefined } }), `${at}.permissions[1]`],
    [asks({ rule: { case: 'any', value: false } }), `${at}.permissions[1].any`],
    [asks({ rule: { case: 'andRules', value: { rules: [] } } }), `${at}.permissions[1].and_rules`],
    [asks({ rule: { case: 'notRule', value: path(prefix('')) } }), `${at}.permissions[1].not_rule.url_path.path`],
    [asks({ rule: { case: 'destinationPort', value: 70_000 } }), `${at}.permissions[1].destination_port`],
    [
      asks({ rule: { case: 'destinationPortRange', value: { start: 9, end: 9 } } }),
      `${at}.permissions[1].destination_port_range`,
    ],
    [asks(header('not a name', exact('x'))), `${at}.permissions[1].header.name`],
    [is({ identifier: { case: undefined } }), `${at}.principals[0]`],
    [
      is({
        identifier: { case: 'orIds', value: { ids: [ANYBODY, { identifier: { case: 'metadata', value: metadata } }] } },
      }),
      `${at}.principals[0].or_ids.ids[1].metadata`,
    ],
    [is(ip('10.0.0.x', 8)), `${at}.principals[0].source_ip.address_prefix`],
    [is(ip('10.0.0.0', 33)), `${at}.principals[0].source_ip.prefix_len`],
    [httpRbac(rules(0, { p: policy([]) })), `${at}.permissions`],
    [httpRbac(rules(0, { p: policy([ANY], []) })), `${at}.principals`],
    [httpRbac(rules(3, {})), 'rules.action'],
    [httpRbac(undefined, rules(0, { p: policy([]) })), 'shadow_rules.policies["p"].permissions'],
  ];
  for (const [config, where] of cases) assert.equal(refusal(config), where);
});

test('a field that this proxy does not know is refused, because it decides', () => {
  // matcher = 4 of RBAC; condition = 3 of Policy: both empty messages.
  assert.match(refusal(Buffer.from([0x22, 0x00])), /^envoy\.extensions\.filters\.http\.rbac\.v3\.RBAC/);
  const withCondition = Buffer.from([0x0a, 0x09, 0x12, 0x07, 0x0a, 0x01, 0x70, 0x12, 0x02, 0x1a, 0x00]);
  assert.match(refusal(withCondition), /policies/);
  // track_per_rule_stats = 7 decides nothing.
  assert.deepEqual(rbac.read(Buffer.from([0x38, 0x01])), { enforced: null, shadow: null });
});

test('a route without a configuration of its own is free of the filter, and one with it is read alike', () => {
  const none = encode(HttpRbacPerRouteTable, { rbac: undefined });
  assert.deepEqual(rbacPerRoute.read(none), { enforced: null, shadow: null });
  const own = httpRbac(rules(1, { p: policy([path(exact('/a'))]) }));
  const wrapped = encode(HttpRbacPerRouteTable, { rbac: decode(HttpRbacTable, own) });
  assert.deepEqual(rbacPerRoute.read(wrapped), rbac.read(own));
  const bad = encode(HttpRbacPerRouteTable, { rbac: decode(HttpRbacTable, httpRbac(rules(0, { p: policy([]) }))) });
  assert.equal(refusal(bad, rbacPerRoute), 'rbac.rules.policies["p"].permissions');
});
