/** Whether a request is a gRPC call: its content type begins with `application/grpc`. */
import { CONTENT_TYPE } from '../field-name.ts';
import type { Head } from '../head.ts';
import { METHOD } from '../method.ts';
import { TOKEN } from '../token.ts';

const PREFIX = Buffer.from('application', 'latin1');
const SUBTYPE = Buffer.from('grpc', 'latin1');
const SLASH = 0x2f;

/** All gRPC calls are POST, so the fields of other requests are not looked at. `application/grpc-web` counts as well. */
export function isGrpcCall(request: Head): boolean {
  if (request.method !== METHOD.post) return false;
  const index = request.find(CONTENT_TYPE);
  if (index < 0) return false;
  const { bytes } = request;
  const start = request.valueStart(index);
  const subtype = start + PREFIX.length + 1;
  const end = subtype + SUBTYPE.length;
  if (end > request.valueEnd(index) || bytes[subtype - 1] !== SLASH) return false;
  if (end < request.valueEnd(index) && TOKEN[bytes[end] as number] !== 0 && !ends(bytes[end] as number)) return false;
  return same(PREFIX, bytes, start) && same(SUBTYPE, bytes, subtype);
}

/** `application/grpcurl` is something else. */
function ends(byte: number): boolean {
  return byte === 0x2b || byte === 0x2d;
}

function same(lower: Uint8Array, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < lower.length; i++) if (TOKEN[bytes[at + i] as number] !== lower[i]) return false;
  return true;
}
