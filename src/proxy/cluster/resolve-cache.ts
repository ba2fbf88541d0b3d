/**
 * Addresses of host names, looked up through Runtime and remembered for a while: every new connection to a host outside
 * of the mesh asks, and the system's resolver is slow. Bounded; concurrent questions share one answer.
 */
import type { Clock, Net, ResolvedAddress } from '../../core/runtime.ts';

const KEEP_MS = 30_000;
const KEEP_FAILURE_MS = 1_000;
const MAX_NAMES = 1_024;

interface Answer {
  readonly addresses: Promise<readonly ResolvedAddress[]>;
  expiresAt: number;
}

export class ResolveCache {
  readonly #net: Net;
  readonly #clock: Clock;
  /** In the order of use: the first one is the first to go. */
  readonly #answers = new Map<string, Answer>();

  constructor(net: Net, clock: Clock) {
    this.#net = net;
    this.#clock = clock;
  }

  /** Rejects with `name-not-found`, also for a while after the resolver did. */
  resolve(name: string): Promise<readonly ResolvedAddress[]> {
    const known = this.#answers.get(name);
    if (known !== undefined && known.expiresAt > this.#clock.now()) return known.addresses;
    const answer: Answer = { addresses: this.#net.resolve(name), expiresAt: this.#clock.now() + KEEP_MS };
    answer.addresses.catch(() => {
      answer.expiresAt = this.#clock.now() + KEEP_FAILURE_MS;
    });
    this.#answers.delete(name);
    this.#answers.set(name, answer);
    const oldest = this.#answers.size > MAX_NAMES ? this.#answers.keys().next().value : undefined;
    if (oldest !== undefined) this.#answers.delete(oldest);
    return answer.addresses;
  }
}

/** RFC 1123 forbids a host name whose last label is numeric, so digits and dots alone are IPv4; a colon is only in IPv6. */
export function isIpLiteral(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':');
}
