/** What an operator is, made and unmade: how its kind reads an argument, and the function that answers for a request. */
import type { JsonValue } from '../../xds/wire/json.ts';
import type { Facts } from './facts.ts';

/** Of bytes, one a character, where it is a text. null: there is nothing to say. */
export type Operator = (facts: Facts) => JsonValue;

/** What of the machine a format may show. */
export interface Reach {
  readonly hostname: string;
  /** null: `%ENVIRONMENT%` is refused, because whoever wrote the format is not who owns this process. */
  readonly environment: Readonly<Record<string, string | undefined>> | null;
}

export interface OperatorKind {
  readonly argument: 'none' | 'optional' | 'required';
  /** Whether a length may follow. */
  readonly cut: boolean;
  /** `argument` is empty when there is none. Throws a WeftError at `where` for one that means nothing. */
  make(where: string, argument: string, reach: Reach): Operator;
}

export type OperatorKinds = Readonly<Record<string, OperatorKind>>;

/** An operator without an argument. */
export function plain(operator: Operator): OperatorKind {
  return { argument: 'none', cut: false, make: () => operator };
}
