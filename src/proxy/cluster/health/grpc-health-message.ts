/** The two messages of grpc.health.v1, each of one field, with gRPC's length prefix. */
import { copyBytes } from '../../../core/bytes.ts';

/** HealthCheckResponse.ServingStatus. */
export const SERVING = 1;
const PREFIX_BYTES = 5;
/** Field 1 as length-delimited, and as a varint. */
const SERVICE_TAG = 0x0a;
const STATUS_TAG = 0x08;

/** HealthCheckRequest { service }. */
export function writeCheckRequest(service: Uint8Array): Uint8Array {
  const length = varint(service.length);
  const size = service.length === 0 ? 0 : 1 + length.length + service.length;
  const frame = new Uint8Array(PREFIX_BYTES + size);
  new DataView(frame.buffer).setUint32(1, size);
  if (size === 0) return frame;
  frame[PREFIX_BYTES] = SERVICE_TAG;
  frame.set(length, PREFIX_BYTES + 1);
  copyBytes(service, 0, service.length, frame, PREFIX_BYTES + 1 + length.length);
  return frame;
}

/** `status` of HealthCheckResponse; 0 (UNKNOWN) when it is not said or the frame is not whole or compressed. */
export function readServingStatus(frame: Uint8Array): number {
  if (frame.length < PREFIX_BYTES || frame[0] !== 0) return 0;
  const size = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  if (frame.length !== PREFIX_BYTES + size || frame[PREFIX_BYTES] !== STATUS_TAG) return 0;
  const status = frame[PREFIX_BYTES + 1] ?? 0;
  // All statuses there are fit in one byte.
  return status < 0x80 && size === 2 ? status : 0;
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
