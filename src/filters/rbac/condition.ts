/**
 * What a policy asks for, as one tree: permissions and principals differ in what they may speak of, not in how they are
 * combined. Half of the leaves speak of the connection, which does not change between requests.
 */
import type { CompiledHeader } from '../../http/match/header.ts';
import type { TextMatch } from '../../http/match/text.ts';
import type { AddressRange } from '../../core/address-range.ts';

export type Condition = Constant | Combination | RequestCondition | ConnectionCondition;

interface Constant {
  readonly kind: 'constant';
  readonly holds: boolean;
}

type Combination =
  | { readonly kind: 'all' | 'some'; readonly of: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition };

export type RequestCondition =
  | { readonly kind: 'header'; readonly header: CompiledHeader }
  /** The path without its query. */
  | { readonly kind: 'path'; readonly match: TextMatch; readonly value: Uint8Array };

export type ConnectionCondition =
  /** `to` is the first port beyond. */
  | { readonly kind: 'port'; readonly from: number; readonly to: number }
  | { readonly kind: 'server-name'; readonly match: TextMatch; readonly value: Uint8Array }
  /** `match` null: anybody whose certificate was verified. */
  | { readonly kind: 'peer'; readonly match: TextMatch | null; readonly value: Uint8Array }
  | { readonly kind: 'remote' | 'direct' | 'local'; readonly range: AddressRange };

export const ALWAYS: Condition = { kind: 'constant', holds: true };
export const NEVER: Condition = { kind: 'constant', holds: false };

/** All of them; simplified as far as constants go. */
export function allOf(of: readonly Condition[]): Condition {
  if (of.includes(NEVER)) return NEVER;
  const rest = of.filter((condition) => condition !== ALWAYS);
  const [only] = rest;
  if (only === undefined) return ALWAYS;
  return rest.length === 1 ? only : { kind: 'all', of: rest };
}

/** One of them at least. */
export function someOf(of: readonly Condition[]): Condition {
  if (of.includes(ALWAYS)) return ALWAYS;
  const rest = of.filter((condition) => condition !== NEVER);
  const [only] = rest;
  if (only === undefined) return NEVER;
  return rest.length === 1 ? only : { kind: 'some', of: rest };
}

export function notOf(of: Condition): Condition {
  if (of.kind === 'constant') return of.holds ? NEVER : ALWAYS;
  return of.kind === 'not' ? of.of : { kind: 'not', of };
}
