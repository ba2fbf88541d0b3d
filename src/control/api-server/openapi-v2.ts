/**
 * `/openapi/v2` for clients from before OpenAPI v3 (kubectl below 1.27), which insist on it and on its protobuf form
 * before they apply anything. It says nothing: such clients then leave validation to the server, which is strict.
 */
import { Buffer } from 'node:buffer';

const INFO = { title: 'Weft', version: 'v1' } as const;

/** JSON, or the protobuf form (gnostic `openapi.v2.Document`) for who accepts only that. */
export function emptyOpenApiV2(accept: string): Record<string, unknown> | Buffer {
  const wantsProtobuf = accept.includes('application/com.github.proto-openapi.spec.v2');
  return wantsProtobuf ? DOCUMENT : { swagger: '2.0', info: INFO, paths: {}, definitions: {} };
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
