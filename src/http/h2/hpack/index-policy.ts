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
const SLOTS = 256;

/** What one encoder knows about names, by hash: a name that finds its place full takes a slot over and is learned anew. */
export class IndexPolicy {
  readonly #hashes = new Int32Array(SLOTS);
  readonly #credits = new Int8Array(SLOTS);
  readonly #policies = new Uint8Array(SLOTS);
  /** Hash of the last value that went as a literal: seen again, it is worth an entry. */
  readonly #values = new Int32Array(SLOTS);
  /** 1 + the ordinal of the entry that this name used last. */
  readonly #ordinals = new Float64Array(SLOTS);
  /** The half of a pair that is taken over next. */
  #victim = 0;

  /** The slot for a name, with its policy and credit. */
  slotOf(hash: number): number {
    const place = placeOf(hash);
    if (this.#hashes[place] === hash) return place;
    if (this.#hashes[place + 1] !== hash) return this.#takeOver(place, hash);
    return place + 1;
  }

  policy(slot: number): Policy {
    return this.#policies[slot] as Policy;
  }

  /** Ordinal of the entry that a name of this hash is likely to use again, or -1. */
  likely(hash: number): number {
    const place = placeOf(hash);
    const slot = this.#hashes[place] === hash ? place : place + 1;
    return this.#hashes[slot] === hash && (this.#credits[slot] as number) > 0
      ? (this.#ordinals[slot] as number) - 1
      : -1;
  }

  /** Whether values of this name have come again before: worth a comparison with the last one. */
  isSteady(slot: number): boolean {
    return (this.#credits[slot] as number) > 0;
  }

  /** Ordinal of the entry that this name used last, or -1. It may be gone, and the slot may be another name's of this hash. */
  last(slot: number): number {
    return (this.#ordinals[slot] as number) - 1;
  }

  used(slot: number, ordinal: number): void {
    this.#ordinals[slot] = ordinal + 1;
    const credit = this.#credits[slot] as number;
    if (credit < MAX_CREDIT) this.#credits[slot] = credit + 1;
  }

  /** Whether a value that is in no entry becomes one, which then has the ordinal `next`. `isNameless`: nor is the name, anywhere. */
  admits(slot: number, valueHash: number, next: number, isNameless: boolean): boolean {
    const credit = this.#credits[slot] as number;
    if (credit === 0 && !isNameless && this.#values[slot] !== valueHash) {
      this.#values[slot] = valueHash;
      return false;
    }
    if (credit > 0) this.#credits[slot] = credit - 1;
    this.#ordinals[slot] = next + 1;
    return true;
  }

  #takeOver(place: number, hash: number): number {
    let slot = place;
    if (this.#hashes[place] !== 0) {
      slot = place + (this.#hashes[place + 1] === 0 ? 1 : this.#victim);
      this.#victim ^= 1;
    }
    const known = policies.get(hash);
    this.#hashes[slot] = hash;
    this.#policies[slot] = known?.policy ?? POLICY.learn;
    this.#credits[slot] = known?.credit ?? CREDIT;
    this.#values[slot] = 0;
    this.#ordinals[slot] = 0;
    return slot;
  }
}

/** The first slot of a pair. */
function placeOf(hash: number): number {
  return (hash ^ (hash >>> 11)) & (SLOTS - 2);
}
