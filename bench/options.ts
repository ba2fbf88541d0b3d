/** The flags of `npm run bench`, all of them with a default that a person waits for. */
import { parseArgs } from 'node:util';

export const BENCHES = ['pair', 'start', 'fanout'] as const;
export type Bench = (typeof BENCHES)[number];

export interface BenchOptions {
  readonly benches: readonly Bench[];
  readonly json: boolean;
  readonly connections: readonly number[];
  readonly rounds: number;
  /** Of one measurement. */
  readonly seconds: number;
  /** Seconds of load on each pair before the first measurement: compilers optimise what they have seen often. */
  readonly warmup: number;
  /** The program that is measured. */
  readonly bundle: string;
  /** Another build of it, measured beside: before and after a change, in one run. */
  readonly beside: string | null;
  readonly sidecars: number;
}

export const USAGE = `npm run bench -- [pair|start|fanout]... [options]
  --connections 1,8,64,256   of the pair
  --rounds 5                 medians are over these
  --seconds 3                of one measurement of the pair
  --warmup 6                 seconds of load before the first
  --sidecars 50              of the fan-out
  --bundle dist/weft.js      what is measured
  --beside FILE              another build, measured in the same rounds
  --json                     one JSON object a line instead of tables`;

/** Throws a TypeError for what it does not understand. */
export function parseOptions(args: readonly string[], defaultBundle: string): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      json: { type: 'boolean', default: false },
      connections: { type: 'string', default: '1,8,64,256' },
      rounds: { type: 'string', default: '5' },
      seconds: { type: 'string', default: '3' },
      warmup: { type: 'string', default: '6' },
      sidecars: { type: 'string', default: '50' },
      bundle: { type: 'string', default: defaultBundle },
      beside: { type: 'string' },
    },
  });
  const benches = positionals.map((word) => {
    const bench = BENCHES.find((each) => each === word);
    if (bench === undefined) throw new TypeError(`there is no benchmark "${word}"; there are ${BENCHES.join(', ')}`);
    return bench;
  });
  return {
    benches: benches.length > 0 ? benches : BENCHES,
    json: values.json,
    connections: values.connections.split(',').map((text) => positive('--connections', text)),
    rounds: positive('--rounds', values.rounds),
    seconds: positive('--seconds', values.seconds),
    warmup: positive('--warmup', values.warmup),
    sidecars: positive('--sidecars', values.sidecars),
    bundle: values.bundle,
    beside: values.beside ?? null,
  };
}

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw new TypeError(`${flag} ${text} is no number from 1`);
  return value;
}
