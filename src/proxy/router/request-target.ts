/** What a route's action changes in a request before it goes on: the upgrade that it lets pass, the form of the target. */
import { UPGRADE } from '../../http/field-name.ts';
import { type Head, UPGRADE_STATE } from '../../http/head.ts';
import { METHOD } from '../../http/method.ts';

/** Grants the upgrade that the request asks for when route or listener list the protocol; else the field is not passed on. */
export function grantUpgrade(request: Head, byRoute: readonly string[], byListener: readonly string[]): void {
  if (request.upgrade !== UPGRADE_STATE.asked) return;
  const protocol = request.value(UPGRADE)?.trim().toLowerCase() ?? '';
  if (byRoute.includes(protocol) || byListener.includes(protocol)) request.upgrade = UPGRADE_STATE.granted;
}

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
