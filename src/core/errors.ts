/**
 * The one error class of Weft. A message has three parts: what happened, where, what to do; the code is closed, so that
 * callers branch on it and never on text. Foreign errors are translated once, at the boundary where they enter.
 */

/** Every code that Weft raises; the docs and the exit codes of the CLI are checked against this table. */
export const ERROR_CODES = {
  'address-in-use': 'A port is taken by another process.',
  'already-exists': 'An object of that name exists.',
  conflict: 'The object changed since it was read.',
  'file-not-found': 'A file or directory does not exist.',
  forbidden: 'The caller is known and may not do this.',
  internal: 'A bug in Weft.',
  invalid: 'Input does not have the required form.',
  io: 'The operating system refused an operation.',
  'limit-exceeded': 'A named bound was reached.',
  locked: 'Another process holds the resource.',
  'name-not-found': 'A host name does not resolve.',
  'not-found': 'No object of that name exists.',
  'permission-denied': 'The operating system denied access.',
  timeout: 'An operation took longer than allowed.',
  'too-old': 'A revision was compacted away; list again.',
  unauthenticated: 'The caller has no valid credential.',
  unavailable: 'A peer cannot be reached now.',
  unsupported: 'This version cannot do that.',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export interface ErrorParts {
  /** What happened, as one clause without a final full stop. */
  readonly what: string;
  /** file:line, resource, field or address. Empty when there is no place. */
  readonly where?: string;
  /** What the reader can do about it. Empty when nothing helps. */
  readonly hint?: string;
  readonly cause?: unknown;
}

export class WeftError extends Error {
  readonly code: ErrorCode;
  readonly what: string;
  readonly where: string;
  readonly hint: string;

  constructor(code: ErrorCode, parts: ErrorParts) {
    super(render(parts), parts.cause === undefined ? undefined : { cause: parts.cause });
    this.name = 'WeftError';
    this.code = code;
    this.what = parts.what;
    this.where = parts.where ?? '';
    this.hint = parts.hint ?? '';
  }

  /** The same error seen from further out: `where` is prefixed with the outer place. */
  at(place: string): WeftError {
    const where = this.where === '' ? place : `${place}: ${this.where}`;
    return new WeftError(this.code, { what: this.what, where, hint: this.hint, cause: this.cause });
  }
}

export function isWeftError(error: unknown, code?: ErrorCode): error is WeftError {
  return error instanceof WeftError && (code === undefined || error.code === code);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function render(parts: ErrorParts): string {
  const where = parts.where ? ` (${parts.where})` : '';
  const hint = parts.hint ? `. ${parts.hint}` : '';
  return `${parts.what}${where}${hint}`;
}
