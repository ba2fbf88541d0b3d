import assert from 'node:assert/strict';
import test from 'node:test';
import { heldByConfigDump } from './held-config-dump.ts';

const ANY = 'type.googleapis.com/envoy';
const dump = {
  configs: [
    { '@type': `${ANY}.admin.v3.BootstrapConfigDump`, bootstrap: {} },
    {
      '@type': `${ANY}.admin.v3.ClustersConfigDump`,
      static_clusters: [{ cluster: { '@type': `${ANY}.config.cluster.v3.Cluster`, name: 'agent' } }],
      dynamic_active_clusters: [
        { version_info: 'v1', cluster: { '@type': `${ANY}.config.cluster.v3.Cluster`, name: 'a', of_tomorrow: 1 } },
      ],
    },
    {
      '@type': `${ANY}.admin.v3.ListenersConfigDump`,
      dynamic_listeners: [
        {
          name: 'l',
          active_state: { version_info: 'v1', listener: { '@type': `${ANY}.config.listener.v3.Listener`, name: 'l' } },
          error_state: { details: 'no such filter' },
        },
      ],
    },
    {
      '@type': `${ANY}.admin.v3.SecretsConfigDump`,
      dynamic_active_secrets: [
        {
          name: 'default',
          version_info: 's',
          secret: {
            '@type': `${ANY}.extensions.transport_sockets.tls.v3.Secret`,
            name: 'default',
            tls_certificate: { private_key: { inline_bytes: 'W3JlZGFjdGVkXQ==' } },
          },
        },
      ],
    },
  ],
};

test('each dump of Envoy’s is read in its own shape; what this program does not know is passed over', () => {
  const held = heldByConfigDump(dump);
  assert.deepEqual(
    held.map(({ section, name, version, state, isLocal, problem }) => [
      section,
      name,
      version,
      state,
      isLocal,
      problem,
    ]),
    [
      ['clusters', 'agent', '', 'active', true, ''],
      ['clusters', 'a', 'v1', 'active', false, ''],
      ['listeners', 'l', 'v1', 'refused', false, 'no such filter'],
      ['secrets', 'default', 's', 'active', true, ''],
    ],
  );
  assert.ok(held.every(({ message }) => message !== null));
});

test('what is no dump holds nothing', () => {
  for (const value of [null, [], {}, { configs: 'x' }, { configs: [null, 7] }]) {
    assert.deepEqual(heldByConfigDump(value), []);
  }
});
