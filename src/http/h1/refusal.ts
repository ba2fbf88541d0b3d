/**
 * Why a message is refused: a small negative number on the way out of the scanners, a status and a text at its end. All
 * of them stand here, so that the list can be read, tested and counted.
 */

export interface Refusal {
  /** What a server answers. A client resets its stream with RESET.protocol or RESET.limit instead. */
  readonly status: number;
  /** For the peer, the log and the counter: says what was wrong, never echoes bytes. */
  readonly detail: string;
}

const refusals: Refusal[] = [];

function refuse(status: number, detail: string): number {
  return -refusals.push({ status, detail });
}

/** `code` is one of the constants below. */
export function refusalOf(code: number): Refusal {
  return refusals[-code - 1] ?? { status: 400, detail: 'malformed message' };
}

export const BAD_REQUEST_LINE = refuse(400, 'malformed request line');
export const BAD_STATUS_LINE = refuse(400, 'malformed status line');
export const BAD_VERSION = refuse(400, 'malformed protocol version');
export const UNSUPPORTED_VERSION = refuse(505, 'protocol version is not HTTP/1.0 or HTTP/1.1');
export const BAD_TARGET = refuse(400, 'malformed request target');
export const BAD_FIELD_NAME = refuse(400, 'malformed field name');
export const SPACE_BEFORE_COLON = refuse(400, 'white space between field name and colon');
export const FOLDED_FIELD = refuse(400, 'field continued on the next line (obs-fold)');
export const BAD_FIELD_VALUE = refuse(400, 'control byte in a field value');
export const BARE_CR = refuse(400, 'CR without LF');
export const BARE_LF = refuse(400, 'LF without CR');
export const HEAD_TOO_LARGE = refuse(431, 'head is too large');
export const TARGET_TOO_LONG = refuse(414, 'request target is too long');
export const TOO_MANY_FIELDS = refuse(431, 'too many fields');
export const LOOKALIKE_FIELD = refuse(400, 'field name imitates one that this proxy decides');
export const BAD_CONTENT_LENGTH = refuse(400, 'malformed Content-Length');
export const DUPLICATE_CONTENT_LENGTH = refuse(400, 'more than one Content-Length');
export const LENGTH_AND_CODING = refuse(400, 'both Content-Length and Transfer-Encoding');
export const BAD_TRANSFER_ENCODING = refuse(400, 'Transfer-Encoding is not exactly "chunked"');
export const UNKNOWN_CODING = refuse(501, 'transfer coding other than chunked');
export const CODING_IN_HTTP10 = refuse(400, 'Transfer-Encoding in HTTP/1.0');
export const INTERIM_IN_HTTP10 = refuse(400, 'interim response in HTTP/1.0');
export const CONTENT_NOT_ALLOWED = refuse(400, 'content where the message cannot have any');
export const MISSING_HOST = refuse(400, 'missing Host');
export const DUPLICATE_HOST = refuse(400, 'more than one Host');
export const BAD_HOST = refuse(400, 'malformed Host');
export const HOST_CONFLICT = refuse(400, 'Host differs from the request target');
export const BAD_CONNECTION = refuse(400, 'malformed Connection');
export const UNEXPECTED_UPGRADE = refuse(400, 'switched protocols without being asked');
export const BAD_CHUNK_SIZE = refuse(400, 'malformed chunk size');
export const BAD_CHUNK_END = refuse(400, 'chunk does not end with CRLF');
export const CHUNK_EXTENSION_TOO_LONG = refuse(400, 'chunk extension is too long');
export const BAD_CHUNK_EXTENSION = refuse(400, 'malformed chunk extension');
export const FORBIDDEN_TRAILER = refuse(400, 'field that must not be a trailer');
export const TRAILERS_TOO_LARGE = refuse(431, 'trailers are too large');
export const UNKNOWN_EXPECTATION = refuse(417, 'Expect is not exactly "100-continue"');
export const EARLY_RESPONSE = refuse(400, 'response before the request was sent');
export const TRUNCATED_HEAD = refuse(400, 'connection ended within a head');
export const HEAD_TIMEOUT = refuse(408, 'head did not arrive in time');
export const CONTENT_TIMEOUT = refuse(408, 'content comes too slowly');
export const TOO_MANY_INTERIM = refuse(400, 'too many interim responses');
export const BAD_PSEUDO_FIELD = refuse(400, 'malformed, unknown or misplaced pseudo-header field');
export const DUPLICATE_PSEUDO_FIELD = refuse(400, 'more than one pseudo-header field of a name');
export const MISSING_PSEUDO_FIELD = refuse(400, 'missing pseudo-header field');
export const HTTP1_FIELD = refuse(400, 'field of an HTTP/1.1 connection in HTTP/2');
export const BAD_TE = refuse(400, 'TE says more than "trailers"');

/** Every refusal there is; for tests and docs. */
export const ALL_REFUSALS: readonly Refusal[] = refusals;
