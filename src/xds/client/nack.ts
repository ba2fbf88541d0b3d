/** The error of an answer that refuses something: by name, with the reason, so that a server finds what was not applied. */
import type { RpcStatus } from '../tables/messages.gen.ts';
import type { Refusal } from './received.ts';

/** INVALID_ARGUMENT. */
const REFUSED = 3;
const MAX_REASON_LENGTH = 500;

/** Undefined when nothing was refused: an ACK. One line a resource. */
export function nackOf(refusals: readonly Refusal[]): RpcStatus | undefined {
  if (refusals.length === 0) return undefined;
  const lines = refusals.map(
    ({ name, reason }) => `${name}: ${reason.replaceAll(/\s+/g, ' ').slice(0, MAX_REASON_LENGTH)}`,
  );
  return { code: REFUSED, message: lines.join('\n'), details: [] };
}
