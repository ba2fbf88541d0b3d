/**
 * Which fields are worth a place in the encoder's table: learned for each name from what its values did before. A name
 * has credit; an entry costs one and a value that is seen again earns one, so names whose values keep changing (ids,
 * times, lengths) soon go as literals and push nothing out.
 */
import { FieldName } from '../../field-name.ts';

export const POLICY = { learn: 0, never: 1, neverWhenShort: 2 } as const;
export type Policy = (typeof POLICY)[keyof typeof POLICY];

/** Guessable by who can make requests beside them, were they in a table (RFC 7541 section 7.1). */
const NEVER = ['authorization', 'proxy-authorization', 'set-cookie', 'x-api-key', 'x-auth-token'];
/** Long ones have too much entropy to be guessed (RFC 7541 section 7.1.3). */
const NEVER_WHEN_SHORT = ['cookie'];
export const SHORT_SECRET_BYTES = 20;
/** Begin without credit: known to change with every message. */
const CHANGING = [
  'age',
  'content-length',
  'content-range',
  'date',
  'etag',
  'expires',
  'grpc-timeout',
  'if-modified-since',
  'if-none-match',
  'last-modified',
  'location',
  'range',
  'traceparent',
  'tracestate',
  'x-b3-parentspanid',
  'x-b3-spanid',
  'x-b3-traceid',
  'x-request-id',
];

const policies = new Map<number, { readonly name: FieldName; readonly policy: Policy; readonly credit: number }>();
const CREDIT = 4;
const MAX_CREDIT = 16;

function set(texts: readonly string[], policy: Policy, credit: number): void {
  for (const text of texts) {
    const name = new FieldName(text);
    policies.set(name.hash, { name, policy, credit });
  }
}
set(NEVER, POLICY.never, 0);
set(NEVER_WHEN_SHORT, POLICY.neverWhenShort, CREDIT);
set(CHANGING, POLICY.learn, 0);

/** In pairs: two names of one place do not drive each other out. */
const NAMES = 256;
/** Slots of one name: its hash, 1 + the ordinal of the entry that it used last, … */
const WIDTH = 5;
const ORDINAL = 1;
/** … the hash of the last value that went as a literal, which seen again is worth an entry, … */
const VALUE = 2;
const CREDIT_LEFT = 3;
const RULE = 4;

/** What one encoder knows about names, by hash: a name that finds its place full takes a slot over and is learned anew. */
export class IndexPolicy {
  readonly #names = new Int32Array(NAMES * WIDTH);
  /** The half of a pair that is taken over next. */
  #victim = 0;

  /** The slot for a name, with its policy and credit. */
  slotOf(hash: number): number {
    const place = placeOf(hash);
    if (this.#names[place] === hash) return place;
    if (this.#names[place + WIDTH] !== hash) return this.#takeOver(place, hash);
    return place + WIDTH;
  }

  policy(slot: number): Policy {
    return this.#names[slot + RULE] as Policy;
  }

  /** Ordinal of the entry that a name of this hash is likely to use again, or -1. */
  likely(hash: number): number {
    const names = this.#names;
    const place = placeOf(hash);
    const slot = names[place] === hash ? place : place + WIDTH;
    return names[slot] === hash && (names[slot + CREDIT_LEFT] as number) > 0
      ? (names[slot + ORDINAL] as number) - 1
      : -1;
  }

  /** Whether values of this name have come again before: worth a comparison with the last one. */
  isSteady(slot: number): boolean {
    return (this.#names[slot + CREDIT_LEFT] as number) > 0;
  }

  /** Ordinal of the entry that this name used last, or -1. It may be gone, and the slot may be another name's of this hash. */
  last(slot: number): number {
    return (this.#names[slot + ORDINAL] as number) - 1;
  }

  used(slot: number, ordinal: number): void {
    const names = this.#names;
    names[slot + ORDINAL] = ordinal + 1;
    const credit = names[slot + CREDIT_LEFT] as number;
    if (credit < MAX_CREDIT) names[slot + CREDIT_LEFT] = credit + 1;
  }

  /** Whether this value may be in the table, or may enter it: not the next new one of a name that has no credit left. */
  expects(slot: number, valueHash: number): boolean {
    const names = this.#names;
    if ((names[slot + CREDIT_LEFT] as number) > 0 || names[slot + VALUE] === valueHash) return true;
    names[slot + VALUE] = valueHash;
    return false;
  }

  /** A value that is in no entry became one. */
  entered(slot: number, ordinal: number): void {
    const names = this.#names;
    const credit = names[slot + CREDIT_LEFT] as number;
    if (credit > 0) names[slot + CREDIT_LEFT] = credit - 1;
    names[slot + ORDINAL] = ordinal + 1;
  }

  #takeOver(place: number, hash: number): number {
    const names = this.#names;
    let slot = place;
    if (names[place] !== 0) {
      slot = place + (names[place + WIDTH] === 0 ? WIDTH : this.#victim);
      this.#victim = WIDTH - this.#victim;
    }
    const known = policies.get(hash);
    names[slot] = hash;
    names[slot + ORDINAL] = 0;
    names[slot + VALUE] = 0;
    names[slot + CREDIT_LEFT] = known?.credit ?? CREDIT;
    names[slot + RULE] = known?.policy ?? POLICY.learn;
    return slot;
  }
}

/** The first slot of a pair. */
function placeOf(hash: number): number {
  return ((hash ^ (hash >>> 11)) & (NAMES - 2)) * WIDTH;
}
