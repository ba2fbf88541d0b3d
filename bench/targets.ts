/** What Weft is to cost at most, as multiples of what a peer costs in the same run; and its absolute bounds. */

/** By case, then peer. */
const RATIOS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  'pair c=1': { envoy: 0.3 },
  'pair c=8': { envoy: 0.38 },
  'pair c=64': { 'haproxy-h1': 0.5, 'haproxy-h2': 0.85, envoy: 0.3 },
  'pair c=256': { 'haproxy-h1': 0.45, 'haproxy-h2': 0.85, envoy: 0.22 },
  'hop c=64': { haproxy: 0.85, envoy: 0.4 },
  'grpc 1x1': { envoy: 0.3 },
  'grpc 1x10': { envoy: 0.25, 'haproxy-h2': 0.6 },
  'grpc 4x25': { envoy: 0.22, 'haproxy-h2': 0.5 },
  'open-loop p50': { envoy: 0.55, 'haproxy-h2': 0.95 },
  'open-loop p99': { envoy: 0.5, 'haproxy-h2': 1 },
  'open-loop p99.9': { envoy: 1 },
  bulk: { haproxy: 0.5 },
  websocket: { 'haproxy-h1': 1 },
};

/** Of Weft alone, in the unit of its line. */
const BOUNDS: Readonly<Record<string, number>> = {
  'rss idle': 65,
  'rss 512 connections': 90,
  'start first response': 80,
  'control endpoint of all, p99': 1_000,
  'control endpoint of some, p99': 1_000,
  'control memory a proxy': 150,
  'control sustained, lag p99': 1_000,
  'control restart': 60,
  'control restart, bytes of a first sync': 5,
};

/** null: reported and not judged. */
export function targetOf(name: string, peer: string): number | null {
  return RATIOS[name]?.[peer] ?? null;
}

/** null: reported and not judged. */
export function boundOf(name: string): number | null {
  return BOUNDS[name] ?? null;
}
