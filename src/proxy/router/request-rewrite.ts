/** Makes of heads what their route wants: of a request before it goes on, of an answer that is the proxy's own. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import { FieldName } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import { applyEdits, type Redirect, redirectTarget, rewrittenPath } from '../../snapshot/route-edits.ts';
import type { ForwardAction, RouteEntry } from '../../snapshot/route-table.ts';
import type { HeadEdit } from './reply.ts';

const LOCATION = new FieldName('location');

/** Not empty: the request would be one that cannot be said, and why. */
export function rewriteRequest(
  request: Head,
  entry: RouteEntry | null,
  { path, host }: Pick<ForwardAction, 'path' | 'host'>,
): string {
  const edits = entry === null ? null : entry.edits;
  if (edits !== null) applyEdits(edits.request, request);
  if (path === null && host === null) return '';
  try {
    if (path !== null) request.setPath(rewrittenPath(request.pathText, path));
    const authority = host === null ? null : host.kind === 'literal' ? host.value : request.value(host.name);
    if (authority !== null && authority !== '') request.setAuthority(authority);
    return '';
  } catch (error) {
    return `the route ${entry?.info.name ?? ''} rewrites the request to what cannot be: ${messageOf(error)}`;
  }
}

export function editResponse(entry: RouteEntry | null, head: Head): void {
  if (entry !== null && entry.edits !== null) applyEdits(entry.edits.response, head);
}

/** Empty: a regex takes too long over the path of this request. */
export function redirected(redirect: Redirect, request: Head, overTls: boolean): string {
  try {
    return redirectTarget(redirect, overTls ? 'https' : 'http', request.authorityText, request.pathText);
  } catch (error) {
    if (isWeftError(error, 'limit-exceeded')) return '';
    throw error;
  }
}

/** What the route adds to an answer of our own; null: nothing. `location` empty: it is no redirect. */
export function replyEdit(entry: RouteEntry | null, location: string): HeadEdit {
  const edits = entry === null ? null : entry.edits;
  if (edits === null && location === '') return null;
  return (head) => {
    if (location !== '') head.appendText(LOCATION, location);
    if (edits !== null) applyEdits(edits.response, head);
  };
}
