/**
 * What a consistent-hash balancer places a request by: Envoy's `hash_policy`, evaluated in order and combined. Pure over
 * the head and what is known of the caller; the same request has the same hash in every proxy of the mesh.
 */
import { isWeftError } from '../core/errors.ts';
import { hash32 } from '../core/hash.ts';
import { FieldName } from '../http/field-name.ts';
import type { Head } from '../http/head.ts';
import type { Substitution } from '../http/regex/substitution.ts';

export type HashPolicy = (
  | HeaderHash
  | CookieHash
  | { readonly kind: 'source' }
  | { readonly kind: 'query'; readonly name: Uint8Array }
) & {
  /** Once there is a hash, what follows is not looked at. */
  readonly terminal: boolean;
};

export interface HeaderHash {
  readonly kind: 'header';
  readonly name: FieldName;
  /** Of each value, before it counts; null: values count as they are. */
  readonly rewrite: Substitution | null;
}

export interface CookieHash {
  readonly kind: 'cookie';
  readonly name: Uint8Array;
  /** Of the cookie that is made where the request has none; 0: for the session, null: none is made. */
  readonly ttlMs: number | null;
  /** Of a cookie that is made, behind its value: `; Path=/; HttpOnly`. */
  readonly attributes: string;
}

export interface HashFacts {
  /** Hash of the caller's address. */
  readonly sourceHash: number;
  /** The value that was made for `missingCookie`; null: none was. */
  readonly madeCookie: Uint8Array | null;
}

const COOKIE = new FieldName('cookie');
const SPACE = 0x20;
const TAB = 0x09;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const QUESTION = 0x3f;
const QUOTE = 0x22;
const NONE = -1;

/** Where the last value that was looked for lies; read at once, so that no request allocates for it. */
let foundStart = 0;
let foundEnd = 0;

/** An unsigned 32-bit number; -1: nothing that the policies ask for is there. */
export function requestHash(policies: readonly HashPolicy[], head: Head, facts: HashFacts): number {
  let hash = NONE;
  for (const policy of policies) {
    const part = hashBy(policy, head, facts);
    // Rotated, so that two equal parts do not cancel each other out.
    if (part >= 0) hash = hash < 0 ? part : (((hash << 1) | (hash >>> 31)) ^ part) >>> 0;
    if (policy.terminal && hash >= 0) break;
  }
  return hash;
}

/** The cookie that the response has to set, because the policies ask for it and the request has none; null: none. */
export function missingCookie(policies: readonly HashPolicy[], head: Head): CookieHash | null {
  for (const policy of policies) {
    if (policy.kind === 'cookie' && policy.ttlMs !== null && !findCookie(head, policy.name)) return policy;
    if (policy.terminal && policy.kind === 'source') return null;
  }
  return null;
}

function hashBy(policy: HashPolicy, head: Head, facts: HashFacts): number {
  switch (policy.kind) {
    case 'header':
      return policy.rewrite === null
        ? hashOfHeader(head, policy.name)
        : hashOfRewritten(head, policy.name, policy.rewrite);
    case 'cookie':
      if (findCookie(head, policy.name)) return hash32(head.bytes, foundStart, foundEnd);
      return policy.ttlMs === null || facts.madeCookie === null
        ? NONE
        : hash32(facts.madeCookie, 0, facts.madeCookie.length);
    case 'source':
      return facts.sourceHash;
    case 'query':
      return findParameter(head, policy.name) ? hash32(head.bytes, foundStart, foundEnd) : NONE;
  }
}

/** Several fields of the name count in their order. */
function hashOfHeader(head: Head, name: FieldName): number {
  let hash = NONE;
  for (let i = head.find(name); i >= 0; i = head.find(name, i)) {
    hash = hash32(head.bytes, head.valueStart(i), head.valueEnd(i), Math.max(hash, 0));
  }
  return hash;
}

/** A value that the regex takes too long over has no hash: where such a request goes is nobody's concern. */
function hashOfRewritten(head: Head, name: FieldName, rewrite: Substitution): number {
  let hash = NONE;
  try {
    for (let i = head.find(name); i >= 0; i = head.find(name, i)) {
      const value = Buffer.from(rewrite.replaceAll(head.text(i)), 'latin1');
      hash = hash32(value, 0, value.length, Math.max(hash, 0));
    }
    return hash;
  } catch (error) {
    if (isWeftError(error, 'limit-exceeded')) return NONE;
    throw error;
  }
}

/** Of several cookies of one name the first counts (RFC 6265 section 5.4: the most specific one). */
function findCookie(head: Head, name: Uint8Array): boolean {
  for (let i = head.find(COOKIE); i >= 0; i = head.find(COOKIE, i)) {
    if (findPair(head.bytes, head.valueStart(i), head.valueEnd(i), SEMICOLON, name)) return true;
  }
  return false;
}

function findParameter(head: Head, name: Uint8Array): boolean {
  const question = head.bytes.indexOf(QUESTION, head.pathStart);
  if (question < 0 || question >= head.pathEnd) return false;
  return findPair(head.bytes, question + 1, head.pathEnd, AMPERSAND, name);
}

function findPair(bytes: Uint8Array, start: number, end: number, separator: number, name: Uint8Array): boolean {
  for (let at = start; at < end; ) {
    let stop = at;
    while (stop < end && bytes[stop] !== separator) stop++;
    while (at < stop && isBlank(bytes[at] as number)) at++;
    if (isNamed(bytes, at, stop, name)) {
      foundStart = at + name.length + 1;
      foundEnd = stop;
      trim(bytes);
      return true;
    }
    at = stop + 1;
  }
  return false;
}

function isNamed(bytes: Uint8Array, at: number, stop: number, name: Uint8Array): boolean {
  const equals = at + name.length;
  if (equals >= stop || bytes[equals] !== EQUALS) return false;
  for (let i = 0; i < name.length; i++) if (bytes[at + i] !== name[i]) return false;
  return true;
}

/** Blanks and quotes around a value are not part of it. */
function trim(bytes: Uint8Array): void {
  while (foundEnd > foundStart && isBlank(bytes[foundEnd - 1] as number)) foundEnd--;
  if (foundEnd - foundStart >= 2 && bytes[foundStart] === QUOTE && bytes[foundEnd - 1] === QUOTE) {
    foundStart++;
    foundEnd--;
  }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB;
}
