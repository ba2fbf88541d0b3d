import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isWeftError } from '../core/errors.ts';
import { FieldName } from '../http/field-name.ts';
import { Head } from '../http/head.ts';
import type { HeaderMatch } from '../http/match/header.ts';
import { Pattern } from '../http/regex/pattern.ts';
import { compileRoutes, matchRoute } from './match-route.ts';
import type { PathMatch, RouteEntry, RouteMatch, VirtualHost } from './route-table.ts';

let nextId = 0;

function route(name: string, match: Partial<RouteMatch>): RouteEntry {
  return {
    id: nextId++,
    info: { name, virtualHost: '', origin: '' },
    match: { path: prefix('/'), headers: [], query: [], connect: false, fraction: 1, ...match },
    action: { kind: 'direct', status: 200, body: '' },
    overrides: [],
    mark: null,
    edits: null,
    split: null,
  };
}

function prefix(value: string): PathMatch {
  return { kind: 'prefix', value: Buffer.from(value) };
}

function header(name: string, kind: HeaderMatch['kind'], value: string, invert = false): HeaderMatch {
  const regex = kind === 'regex' ? new Pattern(value) : null;
  return { name, kind, value, regex, range: null, invert, missingIsEmpty: false };
}

function host(domains: readonly string[], routes: readonly RouteEntry[] = [route(domains.join(), {})]): VirtualHost {
  return { name: domains.join(), domains, routes, requiresTls: false };
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly fields: readonly (readonly [string, string])[];
}

function headOf(request: Request): Head {
  const head = Head.request(request.method, request.path, request.authority);
  for (const [name, value] of request.fields) head.appendText(new FieldName(name), value);
  return head;
}

function named(
  hosts: readonly VirtualHost[],
  request: Partial<Request>,
  ignorePort = false,
  random01 = 0,
): string | null {
  const table = compileRoutes({ name: 't', hosts, ignorePort, onDemand: false });
  const head = headOf({ method: 'GET', path: '/', authority: 'a', fields: [], ...request });
  return matchRoute(table, head, random01)?.info.name ?? null;
}

/** The rules in their plainest form: every host, every route, in order, over strings. */
function naive(
  hosts: readonly VirtualHost[],
  request: Request,
  ignorePort: boolean,
  random01: number,
): RouteEntry | null {
  const authority = (ignorePort ? request.authority.replace(/:\d*$/, '') : request.authority).toLowerCase();
  const claims = hosts.flatMap((h) => h.domains.map((d) => ({ h, d: d.toLowerCase() })));
  const longest = (all: typeof claims): VirtualHost | undefined => all.sort((a, b) => b.d.length - a.d.length)[0]?.h;
  const found =
    claims.find(({ d }) => d === authority)?.h ??
    longest(
      claims.filter(
        ({ d }) => d.length > 1 && d.startsWith('*') && authority.length >= d.length && authority.endsWith(d.slice(1)),
      ),
    ) ??
    longest(
      claims.filter(
        ({ d }) =>
          d.length > 1 && d.endsWith('*') && authority.length >= d.length && authority.startsWith(d.slice(0, -1)),
      ),
    ) ??
    claims.find(({ d }) => d === '*')?.h;
  const path = request.path.replace(/\?.*/, '');
  const pathHolds = (match: PathMatch): boolean => {
    if (match.kind === 'regex') return new RegExp(`^(?:${match.value.source})$`).test(path);
    const value = Buffer.from(match.value).toString();
    if (match.kind === 'exact') return path === value;
    if (match.kind === 'prefix') return path.startsWith(value);
    return path === value || path.startsWith(`${value}/`);
  };
  const headerHolds = (match: HeaderMatch): boolean => {
    const values = request.fields.filter(([name]) => name === match.name).map(([, value]) => value);
    const all = match.name === ':method' ? [request.method] : values;
    const { kind } = match;
    if (kind === 'present') return all.length > 0 !== match.invert;
    if (all.length === 0) return false;
    const holds = all.some(
      (value) =>
        ({
          exact: value === match.value,
          prefix: value.startsWith(match.value),
          suffix: value.endsWith(match.value),
          contains: value.includes(match.value),
          regex: new RegExp(`^(?:${match.value})$`).test(value),
          range: false,
        })[kind],
    );
    return holds !== match.invert;
  };
  return (
    found?.routes.find(
      ({ match }) =>
        !match.connect && pathHolds(match.path) && match.headers.every(headerHolds) && random01 < match.fraction,
    ) ?? null
  );
}

const segmentText = fc.constantFrom('a', 'ab', 'b', 'api', 'apis', 'v1');
const pathText = fc
  .tuple(fc.array(segmentText, { maxLength: 4 }), fc.constantFrom('', '/', '-x', '?q=/a', '/?x'))
  .map(([segments, tail]) => `/${segments.join('/')}${tail}`);
const pathMatch = fc.oneof(
  { weight: 4, arbitrary: pathText.map((p): PathMatch => ({ kind: 'prefix', value: Buffer.from(p) })) },
  { weight: 4, arbitrary: pathText.map((p): PathMatch => ({ kind: 'exact', value: Buffer.from(p) })) },
  {
    weight: 4,
    arbitrary: fc
      .array(segmentText, { minLength: 1, maxLength: 3 })
      .map((s): PathMatch => ({ kind: 'segment', value: Buffer.from(`/${s.join('/')}`) })),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('/a.*', '/api/[^/]+', '.*', '/(a|ab)/?.*')
      .map((source): PathMatch => ({ kind: 'regex', value: new Pattern(source) })),
  },
);
const headerMatch = fc
  .tuple(
    fc.constantFrom('x-a', 'x-b', ':method'),
    fc.constantFrom('present', 'exact', 'prefix', 'suffix', 'contains', 'regex'),
    fc.constantFrom('GET', 'one', 'two', 'one,two', 'o', ''),
    fc.boolean(),
  )
  .map(([name, kind, value, invert]) => header(name, kind as HeaderMatch['kind'], value, invert));
const routes = fc
  .array(
    fc.record({
      path: pathMatch,
      headers: fc.array(headerMatch, { maxLength: 1 }),
      connect: fc.constant(false),
      fraction: fc.constantFrom(1, 1, 1, 0.5, 0),
    }),
    { maxLength: 12 },
  )
  .map((matches) => matches.map((match, i) => route(`r${i}`, match)));
const domain = fc.constantFrom(
  'a.com',
  'A.com:80',
  'b.a.com',
  '*.a.com',
  '*.com',
  '*',
  'a.*',
  'a.com*',
  '*-x.a.com',
  'b.*',
  'xa.com',
  '*a.com',
  'c.b.a.com',
);
const tables = fc
  .uniqueArray(domain, { minLength: 1, maxLength: 8, selector: (d) => d.toLowerCase() })
  .chain((domains) => fc.tuple(...domains.map((d) => routes.map((r) => host([d], r)))));
const requests = fc.record({
  method: fc.constantFrom('GET', 'POST'),
  path: pathText,
  authority: fc.constantFrom(
    'a.com',
    'B.a.com',
    'a.com:80',
    'c.b.a.com',
    'a.org',
    'xa.com',
    'z-x.a.com',
    'q',
    'com',
    'b.org:1',
  ),
  fields: fc.array(fc.tuple(fc.constantFrom('x-a', 'x-b'), fc.constantFrom('one', 'two', 'other')), { maxLength: 3 }),
});

test('the index finds what a search through every host and route finds', () => {
  fc.assert(
    fc.property(
      tables,
      fc.array(requests, { minLength: 1, maxLength: 6 }),
      fc.boolean(),
      fc.constantFrom(0, 0.7),
      (hosts, all, ignorePort, random01) => {
        const table = compileRoutes({ name: 't', hosts, ignorePort, onDemand: false });
        for (const request of all) {
          const head = headOf(request);
          const found = matchRoute(table, head, random01);
          head.free();
          assert.equal(found, naive(hosts, request, ignorePort, random01));
        }
      },
    ),
    { numRuns: 600 },
  );
});

test('an exact domain wins over a suffix, a suffix over a prefix, a prefix over *', () => {
  const hosts = ['*', 'a.*', '*.com', '*.a.com', 'a.b.a.com'].map((domain) => host([domain]));
  assert.equal(named(hosts, { authority: 'A.B.a.com' }), 'a.b.a.com');
  assert.equal(named(hosts, { authority: 'a.x.a.com' }), '*.a.com');
  assert.equal(named(hosts, { authority: 'a.com' }), '*.com');
  assert.equal(named(hosts, { authority: 'a.org' }), 'a.*');
  assert.equal(named(hosts, { authority: 'other' }), '*');
});

test('the * of a domain stands for at least one byte', () => {
  assert.equal(named([host(['*.a.com'])], { authority: '.a.com' }), null);
});

test('a port in the authority counts unless the table ignores it', () => {
  assert.equal(named([host(['a.com'])], { authority: 'a.com:80' }), null);
  assert.equal(named([host(['a.com'])], { authority: 'a.com:80' }, true), 'a.com');
  assert.equal(named([host(['[::1]'])], { authority: '[::1]:80' }, true), '[::1]');
  assert.equal(named([host(['[::1]'])], { authority: '[::1]' }, true), '[::1]');
});

test('a CONNECT request takes connect routes only, and no other request takes them', () => {
  const hosts = [host(['*'], [route('tunnel', { connect: true }), route('plain', {})])];
  assert.equal(named(hosts, { method: 'CONNECT', authority: 'db:5432' }), 'tunnel');
  assert.equal(named(hosts, {}), 'plain');
});

test('a domain claimed twice is refused with its place', () => {
  assert.throws(
    () => compileRoutes({ name: 't', hosts: [host(['a']), host(['b', 'A'])], ignorePort: false, onDemand: false }),
    (error) => isWeftError(error, 'invalid') && error.where === 'virtual_hosts[1].domains[1]',
  );
});

test('a freed head matches nothing but what matches an empty request', () => {
  const head = headOf({ method: 'GET', path: '/', authority: 'a', fields: [] });
  head.free();
  assert.equal(
    matchRoute(compileRoutes({ name: 't', hosts: [host(['a'])], ignorePort: false, onDemand: false }), head, 0),
    null,
  );
});
