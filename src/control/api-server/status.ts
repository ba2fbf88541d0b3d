/**
 * Failures as Kubernetes says them: a Status object with reason, code and every cause. The one place where a WeftError
 * becomes an HTTP answer; whatever is not a WeftError is a bug and tells the caller nothing about the inside.
 */
import { type Violation, violationText } from '../../api/violation.ts';
import { type ErrorCode, type ErrorParts, isWeftError, WeftError } from '../../core/errors.ts';

/** One violation (`metav1.StatusCause`). */
export interface StatusCause {
  readonly reason: string;
  readonly message: string;
  /** Path in the object. */
  readonly field: string;
}

/** metav1.Status. */
export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: Readonly<Record<string, never>>;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: string;
  readonly details?: Readonly<Record<string, unknown>>;
  /** The HTTP status. */
  readonly code: number;
}

interface HttpFacts {
  readonly code: number;
  readonly reason: string;
}

/** What a WeftError of the API server carries as its cause when its code does not say it all. */
interface StatusFacts extends HttpFacts {
  readonly causes: readonly StatusCause[];
  readonly violations: readonly Violation[];
}

const BY_CODE: Readonly<Record<ErrorCode, HttpFacts>> = {
  'address-in-use': { code: 500, reason: 'InternalError' },
  'already-exists': { code: 409, reason: 'AlreadyExists' },
  conflict: { code: 409, reason: 'Conflict' },
  'file-not-found': { code: 500, reason: 'InternalError' },
  forbidden: { code: 403, reason: 'Forbidden' },
  internal: { code: 500, reason: 'InternalError' },
  invalid: { code: 400, reason: 'BadRequest' },
  io: { code: 500, reason: 'InternalError' },
  'limit-exceeded': { code: 429, reason: 'TooManyRequests' },
  locked: { code: 503, reason: 'ServiceUnavailable' },
  'name-not-found': { code: 500, reason: 'InternalError' },
  'not-found': { code: 404, reason: 'NotFound' },
  'permission-denied': { code: 500, reason: 'InternalError' },
  timeout: { code: 504, reason: 'Timeout' },
  'too-old': { code: 410, reason: 'Expired' },
  unauthenticated: { code: 401, reason: 'Unauthorized' },
  unavailable: { code: 503, reason: 'ServiceUnavailable' },
  unsupported: { code: 501, reason: 'NotImplemented' },
};

/** A WeftError whose Status is not the usual one of its code. */
export function failure(
  code: ErrorCode,
  http: HttpFacts,
  parts: ErrorParts,
  causes: readonly StatusCause[] = [],
  violations: readonly Violation[] = [],
): WeftError {
  const facts: StatusFacts = { ...http, causes, violations };
  return new WeftError(code, { ...parts, cause: facts });
}

export const METHOD_NOT_ALLOWED = { code: 405, reason: 'MethodNotAllowed' } as const;
export const TOO_LARGE = { code: 413, reason: 'RequestEntityTooLarge' } as const;
export const UNSUPPORTED_MEDIA_TYPE = { code: 415, reason: 'UnsupportedMediaType' } as const;
const UNPROCESSABLE = { code: 422, reason: 'Invalid' } as const;

/** 422 with every violation, as Kubernetes words it. */
export function invalidObject(violations: readonly Violation[]): WeftError {
  const [first] = violations;
  const what =
    violations.length === 1 && first !== undefined
      ? violationText(first)
      : `${violations.length} violations: ${violations.map(violationText).join('; ')}`;
  const causes = violations.map(({ path, message, hint }) => ({
    reason: 'FieldValueInvalid',
    message: hint === '' ? message : `${message}. ${hint}`,
    field: path,
  }));
  return failure('invalid', UNPROCESSABLE, { what }, causes, violations);
}

/** Those that `invalidObject` was made of; empty for every other error. */
export function violationsOf(error: unknown): readonly Violation[] {
  return isWeftError(error) ? (factsOf(error)?.violations ?? []) : [];
}

/** Messages grow with the number of violations; a client shows a screen of them at most. */
const MAX_MESSAGE = 8192;

export function statusOf(error: unknown): Status {
  const known = isWeftError(error) ? error : new WeftError('internal', { what: 'the control plane failed' });
  const facts = factsOf(known);
  const { code, reason } = facts ?? BY_CODE[known.code];
  const where = known.where === '' || code === 500 ? '' : ` (${known.where})`;
  const details = {
    ...(facts === null || facts.causes.length === 0 ? {} : { causes: facts.causes }),
    ...(known.hint === '' ? {} : { hint: known.hint }),
  };
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `${known.what}${where}`.slice(0, MAX_MESSAGE),
    reason,
    details,
    code,
  };
}

export function success(details: Readonly<Record<string, unknown>>): Status {
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details, code: 200 };
}

function factsOf(error: WeftError): StatusFacts | null {
  const { cause } = error;
  return typeof cause === 'object' && cause !== null && 'causes' in cause && 'code' in cause
    ? (cause as StatusFacts)
    : null;
}
