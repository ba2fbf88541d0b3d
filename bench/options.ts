/** The flags of `npm run bench`: by default what a person waits for, with `--quick` what a change is judged by. */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

export const CASES = [
  'memory',
  'pair',
  'hop',
  'grpc',
  'open-loop',
  'bulk',
  'websocket',
  'start',
  'fanout',
  'control',
] as const;
export type Case = (typeof CASES)[number];

/** Programs that Weft is compared to. */
export const PEERS = ['haproxy', 'nginx', 'envoy', 'go-control-plane'] as const;

export interface BenchOptions {
  readonly cases: readonly Case[];
  readonly peers: readonly string[];
  readonly json: boolean;
  /** Of the closed loops over HTTP/1.1. */
  readonly connections: readonly number[];
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Seconds of load on each target before its first measurement: compilers optimise what they have seen often. */
  readonly warmup: number;
  /** The program that is measured. */
  readonly bundle: string;
  /** Another build of it, measured beside: before and after a change, in one run. */
  readonly beside: string | null;
  /** Where profiles of the measured sidecars go. */
  readonly profile: string | null;
  /** For Node, in the sidecars and control plane of the one and the other. */
  readonly nodeFlags: readonly string[];
  readonly besideNodeFlags: readonly string[];
  readonly sidecars: number;
  /** Numbers of simulated proxies, one measurement each. */
  readonly proxies: readonly number[];
  /** The small form of what has one. */
  readonly quick: boolean;
}

export const USAGE = `npm run bench -- [${CASES.join('|')}]... [options]
  --quick                    all that has a target, in under three minutes
  --json                     one JSON object a line instead of a table
  --peers haproxy,envoy      what Weft is compared to; none: nothing (default: ${PEERS.join(',')})
  --connections 1,8,64,256   of the closed loops over HTTP/1.1
  --rounds 5                 medians are over these
  --seconds 3                of one measurement
  --warmup 6                 seconds of load before the first
  --sidecars 50              of the fan-out
  --proxies 100,1000,5000    of the control plane's; with --quick 50,200 in a smaller mesh
  --bundle dist/weft.js      what is measured
  --beside FILE              another build, measured in the same rounds
  --profile DIR              a CPU and an allocation profile of each sidecar, for a browser's developer tools
  --node-flags='--…'         for Node under Weft, and --beside-node-flags=… for it under the other build`;

const FULL = {
  ...{ rounds: '5', seconds: '3', warmup: '6', cases: CASES, peers: PEERS.join(',') },
  proxies: '100,1000,5000',
};
const QUICK = {
  ...{ rounds: '2', seconds: '1', warmup: '2', peers: 'haproxy,envoy' },
  cases: CASES.filter((name) => name !== 'fanout' && name !== 'control'),
  proxies: '50,200',
};

/** Throws a TypeError for what it does not understand. */
export function parseOptions(args: readonly string[], defaultBundle: string): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      peers: { type: 'string' },
      connections: { type: 'string', default: '1,8,64,256' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      sidecars: { type: 'string', default: '50' },
      proxies: { type: 'string' },
      profile: { type: 'string', default: '' },
      bundle: { type: 'string', default: defaultBundle },
      beside: { type: 'string' },
      'node-flags': { type: 'string', default: '' },
      'beside-node-flags': { type: 'string', default: '' },
    },
  });
  const usual = values.quick ? QUICK : FULL;
  const cases = positionals.map((word) => oneOf(CASES, word, 'benchmark'));
  const peers = values.peers ?? usual.peers;
  return {
    cases: cases.length > 0 ? cases : usual.cases,
    peers: peers === 'none' ? [] : peers.split(',').map((word) => oneOf(PEERS, word, 'peer')),
    json: values.json,
    connections: values.connections.split(',').map((text) => positive('--connections', text)),
    rounds: positive('--rounds', values.rounds ?? usual.rounds),
    seconds: positive('--seconds', values.seconds ?? usual.seconds),
    warmup: positive('--warmup', values.warmup ?? usual.warmup),
    sidecars: positive('--sidecars', values.sidecars),
    proxies: (values.proxies ?? usual.proxies).split(',').map((text) => positive('--proxies', text)),
    quick: values.quick,
    bundle: values.bundle,
    beside: values.beside ?? null,
    profile: values.profile === '' ? null : resolve(values.profile),
    nodeFlags: words(values['node-flags']),
    besideNodeFlags: words(values['beside-node-flags']),
  };
}

function words(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '');
}

function oneOf<T extends string>(known: readonly T[], word: string, what: string): T {
  const found = known.find((each) => each === word);
  if (found === undefined) throw new TypeError(`there is no ${what} "${word}"; there are ${known.join(', ')}`);
  return found;
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw new TypeError(`${flag} ${text} is no number from 1`);
  return value;
}
