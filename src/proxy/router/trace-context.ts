/**
 * W3C Trace Context (level 2): the proxy takes part in every trace, with a span of its own that the access log names, and
 * begins one where the caller brought none. Always on, as in Istio, because a trace that breaks at a hop is none; B3
 * fields pass untouched. Written into the head in place: no strings.
 */
import type { Random } from '../../core/runtime.ts';
import { TRACEPARENT, TRACESTATE } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { RandomHex } from './random-hex.ts';

/** `00-` trace id `-` parent id `-` flags. */
const LENGTH = 55;
const TRACE = 3;
const TRACE_END = 35;
const PARENT = 36;
const PARENT_END = 52;
const FLAGS = 53;
const TRACE_BYTES = 16;
const PARENT_BYTES = 8;

const SAMPLED = 1;
/** The trace id is random (level 2 section 3.2.2.5.2): ours are. */
const RANDOM = 2;

/** What section 3.3.1.5 asks everybody to carry; longer lists lose members, the long ones first. */
const MAX_STATE_BYTES = 512;
const MAX_MEMBERS = 32;
const LONG_MEMBER = 128;

const ZERO = 0x30;
const HYPHEN = 0x2d;
const COMMA = 0x2c;

/** The value of a lower-case hexadecimal digit. */
const DIGIT = new Uint8Array(256).fill(0x80);
for (let value = 0; value < 16; value++) DIGIT[value.toString(16).charCodeAt(0)] = value;
const NO_DIGIT = 0x80;
/** Twice: the version that is none (section 3.2.1). */
const LAST_DIGIT = 0x66;

export class TraceContext {
  readonly #random: Random;
  readonly #ids: RandomHex;

  constructor(random: Random, ids: RandomHex) {
    this.#random = random;
    this.#ids = ids;
  }

  /**
   * The caller's trace goes on with this proxy's span as the parent; without one, or with one that is malformed or
   * comes twice, another begins, sampled with the chance `share` (0–1).
   */
  enter(head: Head, share: number): void {
    const index = head.find(TRACEPARENT);
    if (index < 0) {
      if (head.find(TRACESTATE) >= 0) head.removeAll(TRACESTATE);
      return this.#begin(head, share);
    }
    const start = head.valueStart(index);
    const isOne = head.find(TRACEPARENT, index) < 0;
    if (!isOne || !isTraceparent(head.bytes, start, head.valueEnd(index))) {
      head.removeAll(TRACEPARENT);
      head.removeAll(TRACESTATE);
      return this.#begin(head, share);
    }
    if (head.valueEnd(index) - start === LENGTH && head.bytes[start] === ZERO && head.bytes[start + 1] === ZERO) {
      this.#write(head.bytes, start);
    } else {
      this.#translate(head, index);
    }
    boundState(head);
  }

  #begin(head: Head, share: number): void {
    const isSampled = share >= 1 || (share > 0 && this.#random.next() < share);
    const at = head.begin(TRACEPARENT, LENGTH);
    const out = head.bytes;
    out[at] = out[at + 1] = ZERO;
    out[at + 2] = out[at + TRACE_END] = out[at + PARENT_END] = HYPHEN;
    this.#ids.put(out, at + TRACE, TRACE_BYTES);
    this.#ids.put(out, at + PARENT, PARENT_BYTES);
    out[at + FLAGS] = ZERO;
    out[at + FLAGS + 1] = ZERO + (isSampled ? SAMPLED | RANDOM : RANDOM);
    head.seal(at + LENGTH);
  }

  /** Ours as the parent, and no flag that we do not know (section 3.2.2.5). */
  #write(out: Uint8Array, at: number): void {
    this.#ids.put(out, at + PARENT, PARENT_BYTES);
    out[at + FLAGS] = ZERO;
    out[at + FLAGS + 1] = ZERO + ((DIGIT[out[at + FLAGS + 1] as number] as number) & (SAMPLED | RANDOM)); // within the value
  }

  /** A later version is passed on as the one that we speak (section 3.2.3). */
  #translate(head: Head, index: number): void {
    const from = head.valueStart(index);
    head.remove(index);
    const at = head.begin(TRACEPARENT, LENGTH);
    const out = head.bytes;
    out.copyWithin(at, from, from + LENGTH);
    out[at] = out[at + 1] = ZERO;
    this.#write(out, at);
    head.seal(at + LENGTH);
  }
}

/** Sections 3.2.2 and 3.2.3, by the letter: lower-case digits, no id of zeros; a later version may go on behind a hyphen. */
function isTraceparent(bytes: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length < LENGTH) return false;
  const version = digitsOf(bytes, start, start + 2);
  const trace = digitsOf(bytes, start + TRACE, start + TRACE_END);
  const parent = digitsOf(bytes, start + PARENT, start + PARENT_END);
  const flags = digitsOf(bytes, start + FLAGS, start + LENGTH);
  // One value that is no digit shows in its sum; an id of zeros has none.
  if ((version | trace | parent | flags) >= NO_DIGIT || trace === 0 || parent === 0) return false;
  const hyphens = bytes[start + 2] === HYPHEN && bytes[start + TRACE_END] === HYPHEN;
  if (!hyphens || bytes[start + PARENT_END] !== HYPHEN) return false;
  if (bytes[start] === LAST_DIGIT && bytes[start + 1] === LAST_DIGIT) return false;
  return length === LENGTH || (version !== 0 && bytes[start + LENGTH] === HYPHEN);
}

/** All digits or'ed: 0 when all are, NO_DIGIT or more when one is none. */
function digitsOf(bytes: Uint8Array, start: number, end: number): number {
  let digits = 0;
  for (let at = start; at < end; at++) digits |= DIGIT[bytes[at] as number] as number; // a byte is in the table
  return digits;
}

function boundState(head: Head): void {
  let bytes = 0;
  let members = 0;
  for (let i = head.find(TRACESTATE); i >= 0; i = head.find(TRACESTATE, i)) {
    bytes += head.valueEnd(i) - head.valueStart(i) + 1;
    members++;
    for (let at = head.valueStart(i); at < head.valueEnd(i); at++) if (head.bytes[at] === COMMA) members++;
  }
  if (bytes > MAX_STATE_BYTES + 1 || members > MAX_MEMBERS) shorten(head);
}

function shorten(head: Head): void {
  let members: string[] = [];
  for (let i = head.find(TRACESTATE); i >= 0; i = head.find(TRACESTATE, i)) members.push(...head.text(i).split(','));
  members = members.map((member) => member.trim()).filter((member) => member !== '');
  const isTooLong = (): boolean => members.join(',').length > MAX_STATE_BYTES;
  if (isTooLong()) members = members.filter((member) => member.length <= LONG_MEMBER);
  members = members.slice(0, MAX_MEMBERS);
  while (isTooLong()) members.pop();
  head.removeAll(TRACESTATE);
  if (members.length > 0) head.appendText(TRACESTATE, members.join(','));
}
