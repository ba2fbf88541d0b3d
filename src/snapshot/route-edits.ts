/**
 * What a route changes in the head of a request on its way up and of a response on its way down: fields, path and host,
 * as Envoy's header mutations and rewrites. Compiled once; a route that changes nothing has none.
 */
import type { FieldName } from '../http/field-name.ts';
import type { Head } from '../http/head.ts';
import type { FactsOwner } from './format/facts.ts';
import type { TextFormat } from './format/text-format.ts';
import type { Substitution } from '../http/regex/substitution.ts';

export interface FieldEdit {
  readonly name: FieldName;
  readonly value: string;
  /** What makes the value of a request; null: it is the same for all. */
  readonly format: TextFormat | null;
  /** An empty value is added too. */
  readonly keepEmpty: boolean;
  /** What a field of that name that is there already means. */
  readonly existing: 'beside' | 'keep' | 'replace' | 'replace-only';
}

/** Of one level: route, virtual host or table. What is removed goes before anything is added. */
export interface FieldEdits {
  readonly remove: readonly FieldName[];
  readonly add: readonly FieldEdit[];
  /** One of them has a format. */
  readonly formatted: boolean;
}

export interface RouteEdits {
  /** In the order in which they are applied. */
  readonly request: readonly FieldEdits[];
  readonly response: readonly FieldEdits[];
  /** A level has a format. */
  readonly formatted: boolean;
}

export type PathRewrite =
  /** Replaces the part of the path that the route matched, `matched` bytes; -1: all but the query. */
  | { readonly kind: 'matched'; readonly to: string; readonly matched: number }
  /** Replaces what matches in the path without its query. */
  | { readonly kind: 'regex'; readonly regex: Substitution };

export type HostRewrite =
  | { readonly kind: 'literal'; readonly value: string }
  /** The value of that field, where it has one. */
  | { readonly kind: 'field'; readonly name: FieldName }
  /** What the regex makes of the path without its query. */
  | { readonly kind: 'path'; readonly regex: Substitution }
  /** The name of the endpoint that a try goes to, where it has one. */
  | { readonly kind: 'endpoint' };

export function applyEdits(levels: readonly FieldEdits[], head: Head, owner: FactsOwner): void {
  for (const { remove, add, formatted } of levels) {
    for (const name of remove) head.removeAll(name);
    if (formatted) applyFormats(add, head, owner);
    else for (const edit of add) applyEdit(edit, edit.value, head);
  }
}

/** What no field can hold. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/g;

/** Of all values that one level makes: a caller's field may come back in each of them. */
const MAX_FORMATTED_BYTES = 65_536;

/** As in Envoy, no value sees what its own level adds, and one that turns out empty is not added; nor is one that is too long. */
function applyFormats(add: readonly FieldEdit[], head: Head, owner: FactsOwner): void {
  const facts = owner.facts();
  const values = add.map(({ value, format }) => (format === null ? value : format(facts).replace(CONTROL, '')));
  let room = MAX_FORMATTED_BYTES;
  for (const [i, edit] of add.entries()) {
    const value = values[i] ?? '';
    if (value.length > room) continue;
    room -= value.length;
    if (value !== '' || edit.keepEmpty) applyEdit(edit, value, head);
  }
}

function applyEdit({ name, existing }: FieldEdit, value: string, head: Head): void {
  const isThere = existing !== 'beside' && head.find(name) >= 0;
  if (existing === 'keep' && isThere) return;
  if (existing === 'replace-only' && !isThere) return;
  if (existing === 'replace' || existing === 'replace-only') head.removeAll(name);
  head.appendText(name, value);
}

/** The path with its query as it goes on. Throws WeftError `limit-exceeded` where a regex takes too long over it. */
export function rewrittenPath(path: string, rewrite: PathRewrite): string {
  const query = path.indexOf('?');
  const pathEnd = query < 0 ? path.length : query;
  if (rewrite.kind === 'regex') return `${rewrite.regex.replaceAll(path.slice(0, pathEnd))}${path.slice(pathEnd)}`;
  return `${rewrite.to}${path.slice(rewrite.matched >= 0 ? rewrite.matched : pathEnd)}`;
}

/** Where a redirect leads. */
export interface Redirect {
  readonly status: number;
  /** Empty: as it is. */
  readonly scheme: '' | 'http' | 'https';
  readonly host: string;
  /** 0: none is said. */
  readonly port: number;
  /** With its query, if it has one of its own; null: as it is. */
  readonly path: string | null;
  readonly rewrite: PathRewrite | null;
  readonly stripQuery: boolean;
}

const DEFAULT_PORT = { http: ':80', https: ':443' } as const;

/** Envoy's rules: a port is dropped where the scheme changes and the host's was that of the old one. */
export function redirectTarget(redirect: Redirect, scheme: 'http' | 'https', authority: string, path: string): string {
  const to = redirect.scheme === '' ? scheme : redirect.scheme;
  let host = redirect.host;
  if (host === '') {
    const isDefault = to !== scheme && authority.endsWith(DEFAULT_PORT[scheme]);
    host = isDefault ? authority.slice(0, -DEFAULT_PORT[scheme].length) : authority;
  }
  if (redirect.port !== 0) host = `${host.replace(/:\d+$/, '')}:${redirect.port}`;
  return `${to}://${host}${redirectPath(redirect, path)}`;
}

function redirectPath({ path: own, rewrite, stripQuery }: Redirect, path: string): string {
  const mark = path.indexOf('?');
  const query = mark < 0 || stripQuery ? '' : path.slice(mark);
  if (own !== null) return own.includes('?') ? own : `${own}${query}`;
  const target = rewrite === null ? path : rewrittenPath(path, rewrite);
  const end = target.indexOf('?');
  return stripQuery && end >= 0 ? target.slice(0, end) : target;
}
