/** Asks the filters of a route: of a request in order, of a response and at the end in reverse. */
import type { Exchange } from '../../http/exchange.ts';
import type { Filter } from '../../http/filter.ts';
import { CONTINUE, REPLIED, SUSPENDED, type Verdict } from '../../http/verdict.ts';

/** The index of the filter that did not let it pass, or `filters.length`. */
export function askOfRequest(filters: readonly Filter[], exchange: Exchange, from: number): number {
  for (let i = from; i < filters.length; i++) {
    const verdict = filters[i]?.onRequest?.(exchange) ?? CONTINUE;
    if (verdict !== CONTINUE || exchange.ended) return i;
  }
  return filters.length;
}

export function askOfResponse(filters: readonly Filter[], exchange: Exchange): Verdict {
  for (let i = filters.length - 1; i >= 0; i--) {
    const verdict = filters[i]?.onResponse?.(exchange) ?? CONTINUE;
    if (verdict === REPLIED || exchange.ended) return REPLIED;
    // A response is never held back: its filters decide at once.
    if (verdict === SUSPENDED) return exchange.reply(500, '', 'a filter suspended a response', 'internal error');
  }
  return CONTINUE;
}

/** Each whose `onRequest` ran: those up to `last`. */
export function tellOfEnd(filters: readonly Filter[], exchange: Exchange, last: number): void {
  for (let i = Math.min(last, filters.length - 1); i >= 0; i--) filters[i]?.onEnd?.(exchange);
}
