/** Makes of heads what their route wants: of a request before it goes on, of an answer that is the proxy's own. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import { FieldName } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { FactsOwner } from '../../snapshot/format/facts.ts';
import {
  applyEdits,
  type HostRewrite,
  type Redirect,
  redirectTarget,
  rewrittenPath,
} from '../../snapshot/route-edits.ts';
import type { ForwardAction, RouteEntry } from '../../snapshot/route-table.ts';
import type { HeadEdit } from './reply.ts';

const LOCATION = new FieldName('location');
const ATTEMPT_COUNT = new FieldName('x-envoy-attempt-count');
const FORWARDED_HOST = new FieldName('x-forwarded-host');

/** Not empty: the request would be one that cannot be said, and why. */
export function rewriteRequest(
  request: Head,
  entry: RouteEntry | null,
  { path, host, forwardsHost }: Pick<ForwardAction, 'path' | 'host' | 'forwardsHost'>,
  owner: FactsOwner,
): string {
  const edits = entry === null ? null : entry.edits;
  if (edits !== null) applyEdits(edits.request, request, owner);
  if (path === null && host === null) return '';
  try {
    // The host may come from the path as it was.
    if (host !== null) rewriteHost(request, newHost(host, request), forwardsHost);
    if (path !== null) request.setPath(rewrittenPath(request.pathText, path));
    return '';
  } catch (error) {
    return `the route ${entry?.info.name ?? ''} rewrites the request to what cannot be: ${messageOf(error)}`;
  }
}

/** Empty: it stays, for now. */
function newHost(host: HostRewrite, request: Head): string {
  switch (host.kind) {
    case 'literal':
      return host.value;
    case 'field':
      return request.value(host.name) ?? '';
    case 'path':
      return host.regex.replaceAll(request.pathText.replace(/\?[^]*$/, ''));
    case 'endpoint':
      return '';
  }
}

/** `to` empty: it stays. Throws WeftError `invalid` for what is no host. */
export function rewriteHost(request: Head, to: string, forwards: boolean): void {
  if (to === '') return;
  if (forwards) forwardHost(request);
  request.setAuthority(to);
}

/** At the end of `x-forwarded-host`, unless it stands there already. */
function forwardHost(request: Head): void {
  const { authorityText } = request;
  const index = request.find(FORWARDED_HOST);
  if (index < 0) return request.appendText(FORWARDED_HOST, authorityText);
  const before = request.text(index);
  if (before.split(',').at(-1) === authorityText) return;
  request.setText(FORWARDED_HOST, before === '' ? authorityText : `${before},${authorityText}`);
}

export function editResponse(entry: RouteEntry | null, head: Head, owner: FactsOwner): void {
  if (entry !== null && entry.edits !== null) applyEdits(entry.edits.response, head, owner);
}

/** Which try it is, counted from 1; Envoy's word for it. */
export function sayTries(head: Head, retries: number): void {
  head.setText(ATTEMPT_COUNT, String(retries + 1));
}

/** Where a request without TLS is told to come back. */
export function overHttps(request: Head): string {
  return `https://${request.authorityText}${request.pathText}`;
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

/** What the route adds to an answer of our own; null: nothing. `location` empty: it is no redirect; `retries` -1: it says none. */
export function replyEdit(entry: RouteEntry | null, location: string, retries: number, owner: FactsOwner): HeadEdit {
  const edits = entry === null ? null : entry.edits;
  if (edits === null && location === '' && retries < 0) return null;
  return (head) => {
    if (location !== '') head.appendText(LOCATION, location);
    if (retries >= 0) sayTries(head, retries);
    if (edits !== null) applyEdits(edits.response, head, owner);
  };
}
