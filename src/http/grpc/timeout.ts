/** The deadline that a gRPC caller sends along: `grpc-timeout: 250m`, at most eight digits and a unit. */
import { FieldName } from '../field-name.ts';
import type { Head } from '../head.ts';

const GRPC_TIMEOUT = new FieldName('grpc-timeout');
const MAX_DIGITS = 8;
const HIGHEST = 10 ** MAX_DIGITS - 1;
const MILLISECOND = 0x6d;
const SECOND = 0x53;

/** -1: the request says none, or nothing that gRPC defines; such a value is passed on for the callee to judge. */
export function grpcTimeoutMs(request: Head): number {
  const index = request.find(GRPC_TIMEOUT);
  if (index < 0) return -1;
  const { bytes } = request;
  const start = request.valueStart(index);
  const unit = request.valueEnd(index) - 1;
  if (unit <= start || unit - start > MAX_DIGITS) return -1;
  let value = 0;
  for (let i = start; i < unit; i++) {
    const digit = (bytes[i] as number) - 0x30; // within the value
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  const factor = unitMs(bytes[unit] as number);
  return factor < 0 ? -1 : value * factor;
}

/** Replaces the field; rounded down, so that the callee never believes in more time than there is. */
export function setGrpcTimeout(request: Head, timeoutMs: number): void {
  const wholeMs = Math.max(0, Math.floor(timeoutMs));
  const fits = wholeMs <= HIGHEST;
  const value = fits ? wholeMs : Math.min(HIGHEST, Math.floor(wholeMs / 1_000));
  request.removeAll(GRPC_TIMEOUT);
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  const start = request.begin(GRPC_TIMEOUT, digits + 1);
  let rest = value;
  for (let at = start + digits - 1; at >= start; at--) {
    request.bytes[at] = 0x30 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  request.bytes[start + digits] = fits ? MILLISECOND : SECOND;
  request.seal(start + digits + 1);
}

function unitMs(unit: number): number {
  switch (unit) {
    case 0x48: // H
      return 3_600_000;
    case 0x4d: // M
      return 60_000;
    case SECOND:
      return 1_000;
    case MILLISECOND:
      return 1;
    case 0x75: // u
      return 1e-3;
    case 0x6e: // n
      return 1e-6;
    default:
      return -1;
  }
}
