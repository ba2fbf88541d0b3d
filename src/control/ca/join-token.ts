/**
 * The text of a join token and what is kept of it. The secret has 256 random bits, so that its plain SHA-256 is enough
 * to store: there is nothing to guess, and a stolen store redeems nothing.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Random } from '../../core/runtime.ts';

const PREFIX = 'weft-join-';
const ID_BYTES = 8;
const SECRET_BYTES = 32;
/** `<id>.<secret>`: 16 hex digits and 43 characters of base64url. */
const FORM = /^weft-join-([0-9a-f]{16})\.([A-Za-z0-9_-]{43})$/;

/** What the store keeps of a token. */
export interface JoinToken {
  readonly id: string;
  /** SHA-256 of the secret's text, hex. */
  readonly secretHash: string;
  readonly namespace: string;
  /** null: any service of the namespace. */
  readonly service: string | null;
  /** Accounts that may be asked for; null: the one that bears the service's name. */
  readonly accounts: readonly string[] | null;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  /** How often it may be redeemed; 0: any number of times until it expires. */
  readonly uses: number;
  readonly used: number;
}

export interface TokenText {
  readonly id: string;
  readonly secret: string;
}

/** A new token's parts. The secret exists in the answer to its creation and nowhere else. */
export function drawToken(random: Random): TokenText {
  const id = new Uint8Array(ID_BYTES);
  const secret = new Uint8Array(SECRET_BYTES);
  random.fill(id);
  random.fill(secret);
  return { id: Buffer.from(id).toString('hex'), secret: Buffer.from(secret).toString('base64url') };
}

export function tokenText(token: TokenText): string {
  return `${PREFIX}${token.id}.${token.secret}`;
}

/** Null for anything that is no join token. */
export function parseToken(text: string): TokenText | null {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? null : { id, secret };
}

export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** In constant time. */
export function secretMatches(token: JoinToken, secret: string): boolean {
  return timingSafeEqual(Buffer.from(token.secretHash, 'hex'), Buffer.from(hashSecret(secret), 'hex'));
}
