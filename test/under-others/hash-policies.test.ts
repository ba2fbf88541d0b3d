/** What of a field decides where a request goes: under Weft's proxy and Envoy those that share it share a host. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { KINDS, type Kind, type SameConfig, startSameConfig } from './same-config.ts';

const HOSTS = 5;
const REGIONS = Array.from({ length: 12 }, (_, i) => `region${String.fromCharCode(97 + i)}`);
const USERS = ['1', '2', '3', '4'];

const byUser = (parts: object = {}): object => ({
  cluster: 'ring',
  hash_policy: [{ header: { header_name: 'x-user', ...parts } }],
});
const REGION = { regex_rewrite: { pattern: { regex: '^([a-z]+)-.*$' }, substitution: '\\1' } };

describe('hash policies', { skip: missing('envoy') }, () => {
  let both: SameConfig;

  before(async () => {
    const routes = [
      { match: { prefix: '/whole' }, route: byUser() },
      { match: { prefix: '/region' }, route: byUser(REGION) },
    ];
    both = await startSameConfig({
      routes: { name: 'hashes', virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
      clusters: { ring: { lb_policy: 'RING_HASH' } },
      endpoints: { ring: HOSTS },
    });
  });
  after(() => both.close());

  /** Hosts of the users of each region. */
  async function hostsOf(kind: Kind, path: string): Promise<readonly ReadonlySet<number>[]> {
    const hosts: ReadonlySet<number>[] = [];
    for (const region of REGIONS) {
      for (const user of USERS) await both.ask(kind, { path, headers: { 'x-user': `${region}-${user}` } });
      hosts.push(new Set(both.take(kind).map(({ endpoint }) => endpoint)));
    }
    return hosts;
  }

  test('what is left of a field that is rewritten decides, else all of it', async () => {
    for (const kind of KINDS) {
      const regions = await hostsOf(kind, '/region');
      assert.ok(
        regions.every(({ size }) => size === 1),
        `${kind}: a region has one host`,
      );
      assert.ok(new Set(regions.flatMap((hosts) => [...hosts])).size > 1, `${kind}: not all have the same`);
      const users = await hostsOf(kind, '/whole');
      assert.ok(
        users.some(({ size }) => size > 1),
        `${kind}: users of a region have several`,
      );
    }
  });
});
