/**
 * What a manager has done to a request before a route or a filter looks at it: its path in one spelling, and no field names
 * that an application behind could take for others.
 */
import {
  hasEscapedSlash,
  isSuspicious,
  mergeSlashes,
  normalizePath,
  unescapeSlashes,
} from '../../http/canonical-path.ts';
import type { Head } from '../../http/head.ts';
import { TARGET } from '../../http/head.ts';
import type { Screening } from '../../snapshot/snapshot.ts';

/** Passed, though its path or fields may have changed; or answered with `fault`, or by a redirect to the changed path. */
export type Screened = { readonly fault: string } | { readonly location: string } | null;

/** `ownPort`: where the connection arrived. */
export function screen(head: Head, rules: Screening, ownPort: number): Screened {
  if (rules.underscores !== 'allow') {
    const name = screenNames(head, rules.underscores === 'drop');
    if (name !== '') return { fault: `the field ${name} has an underscore in its name` };
  }
  // A tunnel is asked for by host and port.
  if (rules.stripsPort !== 'none' && head.target !== TARGET.authority) stripPort(head, rules.stripsPort, ownPort);
  if (head.target !== TARGET.origin || !isSuspicious(head.bytes, head.pathStart, head.pathEnd)) return null;
  return screenPath(head, rules);
}

function stripPort(head: Head, which: 'matching' | 'any', ownPort: number): void {
  const authority = head.authorityText;
  const [port] = /:\d*$/.exec(authority) ?? [];
  if (port === undefined || (which === 'matching' && port !== `:${ownPort}`)) return;
  head.setAuthority(authority.slice(0, -port.length));
}

function screenPath(head: Head, rules: Screening): Screened {
  const before = head.pathText;
  let path = before;
  const isEscaped = rules.escapedSlashes !== 'keep' && hasEscapedSlash(path);
  if (isEscaped && rules.escapedSlashes === 'reject') return { fault: 'the path has escaped slashes' };
  if (isEscaped) path = unescapeSlashes(path);
  if (rules.normalizesPath) {
    const normal = normalizePath(path);
    if (normal === null) return { fault: 'the path has an escaped NUL' };
    path = normal;
  }
  // After the escapes, lest they make new ones.
  if (rules.mergesSlashes) path = mergeSlashes(path);
  if (path !== before) head.setPath(path);
  // `//host` would lead to another host.
  return isEscaped && rules.escapedSlashes === 'redirect' ? { location: path.replace(/^\/{2,}/, '/') } : null;
}

/** Drops the fields, or returns the name of the first. */
function screenNames(head: Head, drops: boolean): string {
  for (let i = 0; i < head.count; i++) {
    if (head.isRemoved(i)) continue;
    const name = head.nameText(i);
    if (!name.includes('_')) continue;
    if (!drops) return name;
    head.remove(i);
  }
  return '';
}
