/** In a network namespace of its own: what Envoy and our own proxy answer on redirected connections, as JSON on stdout. */
import { execFileSync } from 'node:child_process';
import { redirectTens } from '../support/redirect.ts';
import { startEnvoy, startWeftProxy } from './running.ts';
import { type Json, listenerFilter, namedChain, socketAddress, told } from './told.ts';

const PORT = 15_001;
const HANDING_OVER = { use_original_dst: true };
const FILTERING = { listener_filters: [listenerFilter('original_dst.v3.OriginalDst')] };

const unbound = (name: string, address: string, port: number): Json => ({
  name,
  bind_to_port: false,
  address: socketAddress(address, port),
  filter_chains: [namedChain(name, {})],
});

const bootstrap = (how: object): Json => ({
  node: { id: 'redirected', cluster: 'redirected' },
  static_resources: {
    listeners: [
      {
        name: 'all',
        address: socketAddress('0.0.0.0', PORT),
        filter_chains: [
          namedChain('rest', {}),
          namedChain('to 10.2/16', { prefix_ranges: [{ address_prefix: '10.2.0.0', prefix_len: 16 }] }),
          namedChain('to port 99', { destination_port: 99 }),
        ],
        ...how,
      },
      unbound('10.1.0.1:81', '10.1.0.1', 81),
      unbound('all of 82', '0.0.0.0', 82),
    ],
    clusters: [],
  },
});

execFileSync('ip', ['link', 'set', 'lo', 'up']);
execFileSync('ip', ['route', 'add', 'local', '10.0.0.0/8', 'dev', 'lo']);
redirectTens(PORT);
const answers: Record<string, readonly string[]> = {};
for (const [how, more] of Object.entries({ HANDING_OVER, FILTERING })) {
  for (const [name, start] of Object.entries({ envoy: startEnvoy, weft: startWeftProxy })) {
    const proxy = await start(bootstrap(more));
    const heard: string[] = [];
    for (const place of [
      '10.1.0.1:81',
      '10.9.0.1:81',
      '10.9.0.1:82',
      '10.2.0.3:83',
      '10.9.9.9:99',
      `127.0.0.1:${PORT}`,
    ]) {
      const [host = '', port] = place.split(':');
      heard.push(`${place} ${await told({ host, port: Number(port) })}`);
    }
    answers[`${name} ${how}`] = heard;
    await proxy.stop();
  }
}
process.stdout.write(JSON.stringify(answers));
process.exit(0);
