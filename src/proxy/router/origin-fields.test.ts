import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConnectionInfo } from '../../core/runtime.ts';
import { FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import { originOf, sayOrigin } from './origin-fields.ts';

const FOR = new FieldName('x-forwarded-for');
const PROTO = new FieldName('x-forwarded-proto');

const clear: ConnectionInfo = {
  local: { host: '10.0.0.1', port: 80 },
  remote: { host: '203.0.113.9', port: 5000 },
  tls: null,
};
const secure: ConnectionInfo = { ...clear, tls: { alpn: 'h2', serverName: '', peer: null } };

function told(info: ConnectionInfo, isEdge: boolean, claims: readonly (readonly [FieldName, string])[]): string[] {
  const head = Head.request('GET', '/', 'app.example');
  for (const [name, value] of claims) head.appendText(name, value);
  const origin = originOf({ isEdge, appendsAddress: isEdge, keepsRequestId: false }, info);
  assert.ok(origin !== null);
  sayOrigin(head, origin);
  const values = [FOR, PROTO].map((name) => {
    const all: string[] = [];
    for (let i = head.find(name); i >= 0; i = head.find(name, i)) all.push(head.text(i));
    return all.join(' and ');
  });
  head.free();
  return values;
}

test('behind another proxy, what is known of the scheme stays, and no address is added', () => {
  assert.deepEqual(told(clear, false, []), ['', 'http']);
  assert.deepEqual(told(secure, false, []), ['', 'https']);
  const claims = [[PROTO, 'https'] as const, [FOR, '192.0.2.1'] as const];
  assert.deepEqual(told(clear, false, claims), ['192.0.2.1', 'https']);
});

test('on the edge the scheme is that of the connection, and the address that connected comes last', () => {
  assert.deepEqual(told(clear, true, [[PROTO, 'https']]), ['203.0.113.9', 'http']);
  const claims = [[FOR, '192.0.2.1, 192.0.2.2'] as const, [FOR, '192.0.2.3'] as const];
  assert.deepEqual(told(secure, true, claims), ['192.0.2.1, 192.0.2.2,192.0.2.3,203.0.113.9', 'https']);
  assert.deepEqual(told(clear, true, [[FOR, 'x'.repeat(5_000)]])[0], `${'x'.repeat(5_000)},203.0.113.9`);
});

test('in a mesh nothing is said', () => {
  assert.equal(originOf(null, clear), null);
});
