/** The form of a request's target where it goes through another HTTP proxy. */
import type { Head } from '../../http/head.ts';
import { METHOD } from '../../http/method.ts';

/** Absolute form, as a request to another proxy must have (RFC 9112 section 3.2.2). CONNECT has its own form. */
export function makeAbsolute(request: Head): void {
  if (request.method === METHOD.connect) return;
  const target = Buffer.from(
    `http://${request.authorityText}${request.pathText === '*' ? '' : request.pathText}`,
    'latin1',
  );
  request.reserve(target.length);
  request.bytes.set(target, request.used);
  request.pathStart = request.used;
  request.used += target.length;
  request.pathEnd = request.used;
}
