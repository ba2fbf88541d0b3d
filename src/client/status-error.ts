/** A Kubernetes `Status` answer as a WeftError. Kubernetes' reason decides, then the HTTP status. */
import { type ErrorCode, WeftError } from '../core/errors.ts';

/** metav1.Status, as far as a client reads it. */
export interface StatusBody {
  readonly message?: string;
  readonly reason?: string;
  readonly code?: number;
  readonly details?: { readonly causes?: readonly StatusCause[]; readonly hint?: string };
}

export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

const BY_REASON: Readonly<Record<string, ErrorCode>> = {
  AlreadyExists: 'already-exists',
  BadRequest: 'invalid',
  Conflict: 'conflict',
  Expired: 'too-old',
  Forbidden: 'forbidden',
  Gone: 'too-old',
  Invalid: 'invalid',
  MethodNotAllowed: 'unsupported',
  NotFound: 'not-found',
  RequestEntityTooLarge: 'limit-exceeded',
  ServiceUnavailable: 'unavailable',
  Timeout: 'timeout',
  TooManyRequests: 'limit-exceeded',
  Unauthorized: 'unauthenticated',
  UnsupportedMediaType: 'unsupported',
};

const BY_STATUS: Readonly<Record<number, ErrorCode>> = {
  400: 'invalid',
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  405: 'unsupported',
  409: 'conflict',
  410: 'too-old',
  413: 'limit-exceeded',
  415: 'unsupported',
  422: 'invalid',
  429: 'limit-exceeded',
  501: 'unsupported',
  503: 'unavailable',
  504: 'timeout',
};

const MAX_MESSAGE = 4096;

/** `where` is the call. The Status itself is the cause, for callers that read its details. */
export function statusError(httpStatus: number, body: string, where: string): WeftError {
  const status = parseStatus(body);
  const code = BY_REASON[status.reason ?? ''] ?? BY_STATUS[status.code ?? httpStatus] ?? 'internal';
  const what = (status.message ?? `the control plane answered ${httpStatus}`).slice(0, MAX_MESSAGE);
  return new WeftError(code, { what, where, hint: status.details?.hint ?? '', cause: status });
}

function parseStatus(body: string): StatusBody {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'Status')
      return value as StatusBody;
  } catch {
    // Not ours: a proxy in between, or another program. The HTTP status says enough.
  }
  return {};
}
