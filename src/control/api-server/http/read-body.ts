/** A request's body as a value: bounded in bytes and depth before anything else sees it. */
import type { IncomingMessage } from 'node:http';
import { parse as parseYaml } from 'yaml';
import { MAX_DEPTH } from '../../../api/validate.ts';
import { messageOf, WeftError } from '../../../core/errors.ts';
import { failure, TOO_LARGE, UNSUPPORTED_MEDIA_TYPE } from '../status.ts';

/** Throws `limit-exceeded` (413). Reading stops at the bound: what follows is never buffered. */
async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    failure('limit-exceeded', TOO_LARGE, {
      what: `the body is larger than ${maxBytes} bytes, which is the bound here`,
    });
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export interface BodyBounds {
  readonly maxBytes: number;
  readonly maxYamlBytes: number;
}

/** undefined: there is no body. Throws `invalid`, `limit-exceeded` (413) or `unsupported` (415). */
export async function readBody(request: IncomingMessage, bounds: BodyBounds): Promise<unknown> {
  const type = mediaType(request);
  const isYaml = type.endsWith('yaml');
  const bytes = await readBytes(request, bounds.maxBytes);
  if (bytes.length === 0) return undefined;
  if (!isYaml && type !== '' && !type.endsWith('json')) {
    throw failure('unsupported', UNSUPPORTED_MEDIA_TYPE, {
      what: `the body has the media type ${type.slice(0, 100)}`,
      hint: 'Send JSON or YAML',
    });
  }
  const value = parse(bytes, isYaml, bounds.maxYamlBytes);
  assertPlain(value, MAX_DEPTH);
  return value;
}

/** Lower case, without parameters; empty when the request names none. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** JSON first: it is YAML too, and clients send it as such. */
function parse(bytes: Buffer, isYaml: boolean, maxYamlBytes: number): unknown {
  const text = bytes.toString('utf8');
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (!isYaml) throw new WeftError('invalid', { what: `the body is not JSON: ${messageOf(cause)}`, cause });
  }
  if (bytes.length > maxYamlBytes) {
    throw failure('limit-exceeded', TOO_LARGE, { what: `a body of YAML is larger than ${maxYamlBytes} bytes` });
  }
  try {
    return parseYaml(text, { schema: 'core', maxAliasCount: 0, logLevel: 'silent', prettyErrors: false });
  } catch (cause) {
    throw new WeftError('invalid', { what: `the body is not YAML: ${messageOf(cause)}`, cause });
  }
}

/** Depth, because what follows recurses; `__proto__`, because code that copies fields by assignment would obey it. */
function assertPlain(value: unknown, levels: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (levels === 0) throw new WeftError('invalid', { what: `the body is nested deeper than ${MAX_DEPTH} levels` });
  if (Object.hasOwn(value, '__proto__')) {
    throw new WeftError('invalid', { what: 'the body has a field named __proto__' });
  }
  for (const child of Object.values(value)) assertPlain(child, levels - 1);
}
