/** Hosts, configurations and a reproducible chance for the tests of this folder. */
import type { Random } from '../../core/runtime.ts';
import type { BalanceConfig } from '../balance-config.ts';
import { DEFAULT_CHECK } from '../health-check-config.ts';
import type { Endpoint } from '../snapshot.ts';
import {
  ACCEPT,
  type BalanceHost,
  HEALTH,
  type Health,
  type Latency,
  NO_PRIORITIES,
  type PickFacts,
} from './balancer.ts';

export interface SampleHost extends BalanceHost {
  active: number;
  health: Health;
  unchecked: boolean;
  inServiceSince: number;
  readonly latency: Latency;
}

export function seeded(seed: number): Random {
  let state = seed | 0;
  return {
    // mulberry32
    next() {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    },
    fill(bytes) {
      bytes.fill(0);
    },
  };
}

let made = 0;

export function host(endpoint: Partial<Endpoint> = {}, parts: Partial<SampleHost> = {}): SampleHost {
  made++;
  return {
    endpoint: {
      key: `10.0.${made >> 8}.${made & 255}:80`,
      address: { kind: 'socket', host: '127.0.0.1', port: 1 },
      weight: 1,
      priority: 0,
      locality: { region: '', zone: '', subZone: '' },
      health: 'healthy',
      check: DEFAULT_CHECK,
      workload: '',
      hostname: '',
      transportLabels: {},
      labels: {},
      ...endpoint,
    },
    active: 0,
    health: HEALTH.healthy,
    unchecked: false,
    inServiceSince: 0,
    latency: { ms: 30, at: 0 },
    ...parts,
  };
}

export function facts(seed: number, avoid: readonly BalanceHost[] = []): PickFacts {
  return {
    random: seeded(seed),
    now: 1_000_000,
    hash: -1,
    avoid,
    leaves: NO_PRIORITIES,
    accept: ACCEPT.healthy,
    subset: null,
    panic: false,
  };
}

export function configOf(parts: Partial<BalanceConfig> = {}): BalanceConfig {
  return {
    policy: 'round-robin',
    choices: 2,
    activeRequestBias: 1,
    slowStart: null,
    ewmaDecayMs: 10_000,
    minRingSize: 1_024,
    maxRingSize: 262_144,
    tableSize: 65_537,
    panicPercent: 50,
    ignoresUnchecked: false,
    locality: { kind: 'none' },
    subsets: null,
    ...parts,
  };
}
