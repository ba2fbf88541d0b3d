/** Each field does what docs/xds-support.md says of it: it changes what is read, or it is refused by name, or neither. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { parse } from 'yaml';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import type { JsonObject, JsonValue } from '../../src/xds/wire/json.ts';
import { fieldEffects, type Sample, type Seen } from './field-effects.ts';
import { NOT_SHOWN, VALUES } from './field-values.ts';
import { supportByField } from './xds-support.ts';

const TYPES: Readonly<Record<string, string>> = {
  cluster: 'config.cluster.v3.Cluster',
  endpoints: 'config.endpoint.v3.ClusterLoadAssignment',
  listener: 'config.listener.v3.Listener',
  routes: 'config.route.v3.RouteConfiguration',
  secret: 'extensions.transport_sockets.tls.v3.Secret',
  bootstrap: 'config.bootstrap.v3.Bootstrap',
};

const support = supportByField();
let seen: ReadonlyMap<string, Seen> = new Map();

before(async () => {
  const identity = await (await createAuthority('test roots')).issue({ dnsNames: ['app.example'] });
  const texts: ReadonlyMap<string, string> = new Map([
    ['$CERT', identity.certificateChainPem],
    ['$CERT64', Buffer.from(identity.certificateChainPem).toString('base64')],
    ['$KEY', identity.privateKeyPem],
    ['$ROOTS', identity.trustBundlePem],
  ]);
  const fill = (json: JsonValue): JsonValue => {
    if (typeof json === 'string') return texts.get(json) ?? json;
    if (Array.isArray(json)) return json.map((each: JsonValue) => fill(each));
    if (typeof json !== 'object' || json === null) return json;
    return Object.fromEntries(Object.entries(json).map(([key, value]) => [key, fill(value as JsonValue)]));
  };
  const text = readFileSync(join(import.meta.dirname, 'field-samples.yaml'), 'utf8');
  const documents = parse(text, { merge: true }) as Readonly<Record<string, readonly JsonObject[]>>;
  const samples = Object.entries(TYPES).flatMap(([key, type]) =>
    (documents[key] ?? []).map(
      (json): Sample => ({ type: `type.googleapis.com/envoy.${type}`, json: fill(json) as JsonObject }),
    ),
  );
  seen = fieldEffects(samples, VALUES);
});

const reasonOf = (key: string): string | undefined => NOT_SHOWN.find(([pattern]) => pattern.test(key))?.[1];

const RULES = {
  yes: { says: 'changes what is read', holds: ({ effects }: Seen) => effects.has('taken') },
  part: { says: 'is refused by name for some values', holds: ({ effects }: Seen) => effects.has('refused') },
  refused: {
    says: 'is refused by name',
    holds: ({ effects }: Seen) => effects.has('refused') && !effects.has('taken'),
  },
  idle: {
    says: 'changes nothing',
    holds: ({ effects, vague }: Seen) => effects.has('idle') && effects.size === 1 && vague === '',
  },
} as const;

for (const kind of ['yes', 'part', 'refused', 'idle'] as const) {
  test(`what the table calls "${kind}" ${RULES[kind].says}`, () => {
    const wrong: string[] = [];
    for (const [key, is] of support) {
      if (is !== kind || reasonOf(key) !== undefined) continue;
      const found = seen.get(key);
      if (found === undefined) wrong.push(`${key}: no sample has its message`);
      else if (!RULES[kind].holds(found)) wrong.push(`${key}: ${[...found.effects, found.vague].join(', ')}`);
    }
    assert.deepEqual(wrong, []);
  });
}

test('what cannot be shown so is there, and cannot', () => {
  for (const [pattern, reason] of NOT_SHOWN) {
    const keys = [...support.keys()].filter((key) => pattern.test(key));
    assert.ok(keys.length > 0, `${pattern.source}: ${reason}`);
  }
});
