/**
 * `envoy.filters.http.fault`: holds requests back, or answers them with an error, on purpose. It stands on the caller's side
 * before the router, so the caller sees what a broken service would show it, and no retry of the mesh hides it.
 */
import type { Exchange } from '../../http/exchange.ts';
import type { Counter, Filter, FilterModule, Scope } from '../../http/filter.ts';
import { headerMatches } from '../../http/match/header.ts';
import { CONTINUE, SUSPENDED, type Verdict } from '../../http/verdict.ts';
import { HeldBack } from './held-back.ts';
import { type FaultConfig, readFault } from './read.ts';

export const fault: FilterModule<FaultConfig> = {
  types: ['type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault'],
  read: readFault,
  // A list without a filter costs a request nothing.
  create: (config, scope) => (config.delay === null && config.abort === null ? {} : new FaultFilter(config, scope)),
  decide({ delay, abort, headers }, head) {
    const concerns = headers.every((header) => headerMatches(header, head));
    if (!concerns || (delay === null && abort === null)) return { allowed: true, rule: 'no fault' };
    const parts = [
      ...(delay === null ? [] : [`${percent(delay.chance)} % are delayed by ${delay.ms} ms`]),
      ...(abort === null ? [] : [`${percent(abort.chance)} % are aborted with ${statusText(abort)}`]),
    ];
    return { allowed: abort === null || abort.chance < 1, rule: `a fault: ${parts.join(', ')}` };
  },
};

/** What all faults of a proxy share. */
interface Active {
  count: number;
}

class FaultFilter implements Filter {
  readonly #config: FaultConfig;
  readonly #scope: Scope;
  readonly #active: Active;
  readonly #delays: Counter;
  readonly #aborts: Counter;
  readonly #overflow: Counter;

  constructor(config: FaultConfig, scope: Scope) {
    this.#config = config;
    this.#scope = scope;
    this.#active = scope.state('fault', () => ({ count: 0 }));
    this.#delays = scope.counter('weft_faults_injected_total', { fault: 'delay' });
    this.#aborts = scope.counter('weft_faults_injected_total', { fault: 'abort' });
    this.#overflow = scope.counter('weft_faults_overflow_total');
  }

  onRequest(exchange: Exchange): Verdict {
    const { delay, headers, maxActive } = this.#config;
    const { request, route } = exchange;
    for (const header of headers) if (!headerMatches(header, request)) return CONTINUE;
    const untilMs = route === null ? 0 : (route.faultsUntilMs ?? 0);
    if (untilMs > 0 && this.#scope.clock.wall() >= untilMs) return CONTINUE;
    if (delay === null || !this.#happens(delay.chance)) return this.#abort(exchange);
    if (this.#active.count >= maxActive) {
      this.#overflow.add(1);
      return CONTINUE;
    }
    this.#delays.add(1);
    this.#active.count++;
    exchange.note(`fault injected: delay of ${delay.ms} ms`, 'DI');
    const held = new HeldBack(this, exchange);
    exchange.state.push(held);
    this.#scope.timers.arm(held, delay.ms);
    return SUSPENDED;
  }

  /** The delay is over. */
  goOn(exchange: Exchange): void {
    this.#active.count--;
    if (this.#abort(exchange) === CONTINUE) exchange.resume();
  }

  onEnd(exchange: Exchange): void {
    for (const held of exchange.state) {
      if (!(held instanceof HeldBack) || held.owner !== this || !held.armed) continue;
      this.#scope.timers.disarm(held);
      this.#active.count--;
    }
  }

  #abort(exchange: Exchange): Verdict {
    const { abort } = this.#config;
    if (abort === null || !this.#happens(abort.chance)) return CONTINUE;
    this.#aborts.add(1);
    const { httpStatus, grpcStatus } = abort;
    return exchange.reply(httpStatus, 'FI', 'fault injected: abort', 'fault filter abort', grpcStatus);
  }

  #happens(chance: number): boolean {
    return chance >= 1 || (chance > 0 && this.#scope.random.next() < chance);
  }
}

function percent(chance: number): number {
  return Math.round(chance * 1_000_000) / 10_000;
}

function statusText({ httpStatus, grpcStatus }: NonNullable<FaultConfig['abort']>): string {
  return grpcStatus < 0 ? `HTTP ${httpStatus}` : `gRPC status ${grpcStatus}`;
}
