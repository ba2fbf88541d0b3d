import assert from 'node:assert/strict';
import test from 'node:test';
import { TYPE_URLS, type TypeUrl } from '../resource.ts';
import type { Secret } from '../tables/messages.gen.ts';
import { ClientStatusResponseTable, NodeTable, SecretTable } from '../tables/tables.gen.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { clientStatus } from './client-status.ts';
import type { ResourceState } from './subscription.ts';

const KEY = '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

function state(type: TypeUrl, bytes: Uint8Array): ResourceState {
  const resource = { type, name: 'x', version: '1', bytes };
  const refused = { resource, reason: 'no', atMs: 5 };
  return { type, name: 'x', state: 'nacked', held: resource, updatedAtMs: 5, refused };
}

/** What of it is told: the held bytes and the refused ones. */
function contents(type: TypeUrl, bytes: Uint8Array): (Uint8Array | undefined)[] {
  const status = clientStatus(create(NodeTable, { id: 'a/b' }), [state(type, bytes)], true);
  const [config] = decode(ClientStatusResponseTable, status).config.flatMap((each) => each.genericXdsConfigs);
  assert.equal(config?.versionInfo, '1');
  return [config.xdsConfig?.value, config.errorState?.failedConfiguration?.value];
}

const secret = (type: Secret['type']): Uint8Array => encode(SecretTable, create(SecretTable, { name: 'x', type }));

test('what a proxy holds and what it refused is told with its contents', () => {
  const listener = text('listener');
  assert.deepEqual(contents(TYPE_URLS.listener, listener), [listener, listener]);
});

test('a private key is told by nobody, in whatever resource it came, held or refused', () => {
  const inline = { specifier: { case: 'inlineString', value: KEY } } as const;
  const certificate = { certificateChain: undefined, privateKey: inline };
  for (const bytes of [
    secret({ case: 'tlsCertificate', value: certificate }),
    secret({ case: undefined }),
    text('?'),
  ]) {
    assert.deepEqual(contents(TYPE_URLS.secret, bytes), [undefined, undefined]);
  }
  assert.deepEqual(contents(TYPE_URLS.listener, text(`inline ${KEY}`)), [undefined, undefined]);
});
