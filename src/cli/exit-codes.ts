/** What the exit code of `weft` says. `weft run` returns the application's own code; ours are for everything else. */
import { type ErrorCode, isWeftError } from '../core/errors.ts';

export const EXIT = {
  ok: 0,
  failure: 1,
  usage: 2,
  unavailable: 3,
  refused: 4,
  notFound: 5,
  conflict: 6,
  different: 7,
} as const;

export const EXIT_CODES: readonly { readonly code: number; readonly meaning: string }[] = [
  { code: EXIT.ok, meaning: 'Done.' },
  { code: EXIT.failure, meaning: 'Something failed; the message says what.' },
  { code: EXIT.usage, meaning: 'The command line is wrong: an unknown command, option, kind or argument.' },
  { code: EXIT.unavailable, meaning: 'The control plane cannot be reached, or did not answer in time.' },
  { code: EXIT.refused, meaning: 'Refused: a document is not valid, or the credential is missing or may not do this.' },
  { code: EXIT.notFound, meaning: 'No object, file or host of that name exists.' },
  {
    code: EXIT.conflict,
    meaning: 'Taken: the object changed or exists, the port is in use, or another process holds it.',
  },
  { code: EXIT.different, meaning: 'Not the same: `weft diff` found that a proxy has something other than it should.' },
];

const BY_ERROR: Readonly<Record<ErrorCode, number>> = {
  'address-in-use': EXIT.conflict,
  'already-exists': EXIT.conflict,
  conflict: EXIT.conflict,
  'file-not-found': EXIT.notFound,
  forbidden: EXIT.refused,
  internal: EXIT.failure,
  invalid: EXIT.refused,
  io: EXIT.failure,
  'limit-exceeded': EXIT.refused,
  locked: EXIT.conflict,
  'name-not-found': EXIT.notFound,
  'not-found': EXIT.notFound,
  'permission-denied': EXIT.failure,
  timeout: EXIT.unavailable,
  'too-old': EXIT.failure,
  unauthenticated: EXIT.refused,
  unavailable: EXIT.unavailable,
  unsupported: EXIT.refused,
};

export function exitCodeOf(error: unknown): number {
  if (error instanceof UsageError) return EXIT.usage;
  return isWeftError(error) ? BY_ERROR[error.code] : EXIT.failure;
}

/** A command line that cannot be understood. */
export class UsageError extends Error {
  readonly hint: string;

  /** `hint` may be empty. */
  constructor(message: string, hint: string) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}
