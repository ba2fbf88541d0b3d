/**
 * `/openapi/v2` for clients from before OpenAPI v3 (kubectl below 1.27), which insist on it and on its protobuf form
 * before they apply anything. It says nothing: such clients then leave validation to the server, which is strict.
 */
import type { ApiResponse } from './handler.ts';

const INFO = { title: 'Weft', version: 'v1' } as const;

/** Media type of the protobuf form, gnostic `openapi.v2.Document`. */
const PROTOBUF = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';

export function openApiV2(accept: string): ApiResponse {
  if (accept.includes(PROTOBUF)) return { status: 200, body: DOCUMENT, contentType: PROTOBUF };
  return { status: 200, body: { swagger: '2.0', info: INFO, paths: {}, definitions: {} } };
}

/** Document { swagger = 1; Info info = 2 { title = 1; version = 2 }; Paths paths = 8 } */
const DOCUMENT = Buffer.concat([
  field(1, Buffer.from('2.0')),
  field(2, Buffer.concat([field(1, Buffer.from(INFO.title)), field(2, Buffer.from(INFO.version))])),
  field(8, Buffer.alloc(0)),
]);

/** A length-delimited field of fewer than 128 bytes. */
function field(number: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | 2, content.length]), content]);
}
