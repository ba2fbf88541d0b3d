/** One listener at several addresses: Envoy and our own proxy answer at each, tell the same of them, and refuse the same. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';
import { type Json, namedChain, socketAddress, told } from './told.ts';

interface Place {
  readonly socket_address: { readonly address: string; readonly port_value: number };
}

interface Statuses {
  readonly listener_statuses: readonly {
    readonly local_address: Place;
    readonly additional_local_addresses?: readonly Place[];
  }[];
}

const bootstrap = (listener: Json): Json => ({
  node: { id: 'places', cluster: 'places' },
  static_resources: { listeners: [listener], clusters: [] },
});

const LISTENER: Json = {
  name: 'everywhere',
  address: socketAddress('127.0.0.1'),
  additional_addresses: [{ address: socketAddress('127.0.0.2') }, { address: socketAddress('::1') }],
  filter_chains: [
    namedChain('at 127.0.0.2', { prefix_ranges: [{ address_prefix: '127.0.0.2', prefix_len: 32 }] }),
    namedChain('elsewhere', {}),
  ],
};

describe('a listener at several addresses', { skip: missing('envoy') }, () => {
  const proxies: RunningEnvoy[] = [];

  before(async () => {
    proxies.push(await startEnvoy(bootstrap(LISTENER)));
    proxies.push(await startWeftProxy(bootstrap(LISTENER)));
  });

  after(() => Promise.all(proxies.map((proxy) => proxy.stop())));

  test('each of them answers, and /listeners tells of all', async () => {
    for (const proxy of proxies) {
      const { listener_statuses: statuses } = JSON.parse(await proxy.admin('/listeners?format=json')) as Statuses;
      const places = statuses.flatMap((each) => [each.local_address, ...(each.additional_local_addresses ?? [])]);
      const answers: string[] = [];
      for (const { socket_address: at } of places) {
        answers.push(`${at.address} ${await told({ host: at.address, port: at.port_value })}`);
      }
      assert.deepEqual(answers, ['127.0.0.1 elsewhere', '127.0.0.2 at 127.0.0.2', '::1 elsewhere']);
      assert.match(await proxy.admin('/listeners'), /^everywhere::127\.0\.0\.1:\d+/);
    }
  });

  test('what is no address is refused by its place in the list', async () => {
    const config = bootstrap({
      ...LISTENER,
      additional_addresses: [{ address: socketAddress('127.0.0.2') }, { address: socketAddress('nowhere') }],
    });
    await assert.rejects(startEnvoy(config), /malformed IP address: nowhere/);
    await assert.rejects(startWeftProxy(config), /additional_addresses\[1\]\.address/);
  });
});
