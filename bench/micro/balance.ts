/**
 * What choosing an endpoint costs, in nanoseconds: `node bench/micro/balance.ts [--against <checkout>]`.
 *
 * Method: one process, no network. Each policy picks among 10 and among 1,000 hosts whose requests in flight, latencies
 * and last measurements differ and change with each pick; each pick has another hash and another time. Cases and sides
 * take turns, 100 rounds of 20,000 picks each after a warm-up. The fastest is reported, because all noise is upwards,
 * and the median beside it; and the bytes that a pick allocates, by what the heap grew in rounds without a collection.
 * With `--against` the same runs on the sources of another checkout, in turns with ours.
 */
import type * as RandomModule from '../../src/runtime/node/random.ts';
import type * as LoadBalancerModule from '../../src/snapshot/balance/load-balancer.ts';
import type * as SampleModule from '../../src/snapshot/balance/sample-hosts.ts';
import type * as ConfigModule from '../../src/snapshot/balance-config.ts';
import { type Case, compare } from './side-by-side.ts';

const ROUNDS = 100;
const WARM_UP = 20;
const PICKS = 20_000;
const POLICIES = ['round-robin', 'least-request', 'random', 'peak-ewma', 'ring-hash', 'maglev'] as const;
const SIZES = [10, 1_000];

await compare(casesOf, { warmUp: WARM_UP, measured: ROUNDS, operations: PICKS });

async function casesOf(root: URL): Promise<Case[]> {
  const load = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
  const { LoadBalancer } = await load<typeof LoadBalancerModule>('src/snapshot/balance/load-balancer.ts');
  const { configOf, facts, host } = await load<typeof SampleModule>('src/snapshot/balance/sample-hosts.ts');
  const { nodeRandom } = await load<typeof RandomModule>('src/runtime/node/random.ts');
  const { DEFAULT_SPREAD } = await load<typeof ConfigModule>('src/snapshot/balance-config.ts');
  return POLICIES.flatMap((policy) =>
    SIZES.map((size): Case => {
      const hosts = Array.from({ length: size }, (_, i) =>
        host({}, { active: i % 7, latency: { ms: 5 + (i % 50), at: 1_000_000 - i } }),
      );
      const balancer = new LoadBalancer<(typeof hosts)[number]>(configOf({ policy }), null);
      balancer.setHosts(hosts, DEFAULT_SPREAD);
      const by = { ...facts(1), random: nodeRandom };
      return {
        name: `${policy}, ${size} hosts`,
        times: [],
        bytes: [],
        run() {
          let hash = 1;
          for (let n = 0; n < PICKS; n++) {
            hash = (Math.imul(hash, 1_664_525) + 1_013_904_223) >>> 0;
            by.hash = hash;
            by.now += 0.1;
            const picked = balancer.pick(by);
            if (picked !== null) picked.active = (picked.active + 1) & 7;
          }
        },
      };
    }),
  );
}
