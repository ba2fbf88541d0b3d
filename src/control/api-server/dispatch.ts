/**
 * From an HTTP request to its answer: health, mounted routes, discovery, resources, in this order. Callers are known
 * and allowed before a byte of their body is read.
 */
import type { IncomingMessage } from 'node:http';
import { openApiDocument, openApiIndex } from '../../api/openapi.ts';
import { WeftError } from '../../core/errors.ts';
import type { Address } from '../../core/runtime.ts';
import { type Caller, requireGoodCredential } from './authenticate.ts';
import { type Action, authorize, authorizeRoute, unauthenticated, type Verb } from './authorize.ts';
import { discoveryDocument, versionDocument } from './discovery.ts';
import type { ApiResponse } from './handler.ts';
import { type Bounds, ROUTE_BODY_BYTES } from './http/bounds.ts';
import { mediaType, readBody } from './http/read-body.ts';
import type { LineWriter } from './http/respond.ts';
import { openApiV2 } from './openapi-v2.ts';
import type { RouteMatch, RouteTable } from './routes.ts';
import { failure, METHOD_NOT_ALLOWED } from './status.ts';
import { pathSegments, readTarget, type Target } from './target.ts';
import { applySet } from './verbs/apply-set.ts';
import { deleteCollection, deleteObject } from './verbs/delete.ts';
import { getObject, listObjects } from './verbs/read.ts';
import type { ResourceCall, VerbContext } from './verbs/resource-call.ts';
import { watchObjects } from './verbs/watch.ts';
import { createObject, patchObject, replaceObject, targetOfCreate } from './verbs/write.ts';

export interface DispatchOptions {
  readonly verbs: VerbContext;
  readonly routes: RouteTable;
  readonly bounds: Bounds;
  readonly version: string;
  /** Whether the control plane serves; false makes /readyz 503. */
  readonly ready: () => boolean;
}

export interface Incoming {
  readonly request: IncomingMessage;
  readonly url: URL;
  readonly caller: Caller;
  readonly remote: Address;
  readonly signal: AbortSignal;
  /** Takes a place among the open watches and begins the answer. Throws `limit-exceeded`. */
  readonly openWatch: () => LineWriter;
}

const APPLY_SETS = '/apis/weft.mesh/v1/applysets';
const HEALTH = new Set(['/healthz', '/livez', '/readyz']);

/** null: a watch has written the answer itself. */
export async function dispatch(options: DispatchOptions, incoming: Incoming): Promise<ApiResponse | null> {
  const { request, url, caller } = incoming;
  const method = request.method ?? 'GET';
  if (HEALTH.has(url.pathname)) {
    const ready = url.pathname !== '/readyz' || options.ready();
    return { status: ready ? 200 : 503, body: ready ? 'ok' : 'not ready' };
  }
  const segments = pathSegments(url.pathname);
  if (segments === null) throw new WeftError('invalid', { what: 'the path is not percent-encoded correctly' });
  const route = options.routes.find(method, segments);
  if (route !== null) return mounted(incoming, route);
  requireGoodCredential(caller);
  if (caller.user === null) throw unauthenticated();
  if (url.pathname === APPLY_SETS) {
    if (method !== 'POST') throw notAllowed(method);
    return applySet(options.verbs, caller.user, await body(options, incoming));
  }
  const target = readTarget(options.verbs.kinds, segments);
  if (target !== null) return resource(options, incoming, target, method);
  if (method === 'GET' && url.pathname === '/openapi/v2') return openApiV2(request.headers.accept ?? '');
  const document = staticDocument(options, segments);
  if (document === null) throw new WeftError('not-found', { what: 'the server could not find the requested resource' });
  if (method !== 'GET') throw notAllowed(method);
  return { status: 200, body: document };
}

async function mounted(incoming: Incoming, match: RouteMatch): Promise<ApiResponse> {
  const { request, url, caller, remote, signal } = incoming;
  const { route, params } = match;
  if (route.access !== 'public') requireGoodCredential(caller);
  authorizeRoute(caller.user, route.access, { namespace: params['namespace'], name: params['name'] });
  const maxBytes = route.maxBodyBytes ?? ROUTE_BODY_BYTES;
  const { user, peer, bearer } = caller;
  return route.handle({
    method: route.method,
    path: url.pathname,
    params,
    query: url.searchParams,
    body: await readBody(request, { maxBytes, maxYamlBytes: 0 }),
    user,
    peer,
    bearer,
    remote,
    signal,
  });
}

async function resource(
  options: DispatchOptions,
  incoming: Incoming,
  target: Target,
  method: string,
): Promise<ApiResponse | null> {
  const { request, url, caller } = incoming;
  const verb = verbOf(method, target, url.searchParams);
  const { kind, namespace, name, subresource } = target;
  const action: Action = { verb, kind: kind.kind, namespace, name, subresource };
  // The name of a new object stands in the body: a workload that could create one of its own name may send it.
  const own = verb === 'create' && caller.user?.role === 'workload' ? caller.user.workload : name;
  authorize(caller.user, { ...action, name: own });
  const parsed = verb === 'get' || verb === 'list' || verb === 'watch' ? undefined : await body(options, incoming);
  const full = verb === 'create' ? targetOfCreate(target, parsed) : target;
  const user = authorize(caller.user, { ...action, name: full.name });
  const call: ResourceCall = {
    target: full,
    user,
    query: url.searchParams,
    accept: request.headers.accept ?? '',
    contentType: mediaType(request),
    userAgent: request.headers['user-agent'] ?? '',
    body: parsed,
  };
  switch (verb) {
    case 'get':
      return getObject(options.verbs, call);
    case 'list':
      return listObjects(options.verbs, call);
    case 'create':
      return createObject(options.verbs, call);
    case 'update':
      return replaceObject(options.verbs, call);
    case 'patch':
      return patchObject(options.verbs, call);
    case 'delete':
      return deleteObject(options.verbs, call);
    case 'deletecollection':
      return deleteCollection(options.verbs, call);
    case 'watch':
      await watchObjects(options.verbs, call, incoming.signal, incoming.openWatch);
      return null;
  }
}

function verbOf(method: string, { name, subresource }: Target, query: URLSearchParams): Verb {
  const watch = query.get('watch');
  if (method === 'GET' && subresource === null && (watch === 'true' || watch === '1')) return 'watch';
  if (method === 'GET') return name === null ? 'list' : 'get';
  if (method === 'POST' && name === null) return 'create';
  if (method === 'PUT' && name !== null) return 'update';
  if (method === 'PATCH' && name !== null) return 'patch';
  if (method === 'DELETE' && subresource === null) return name === null ? 'deletecollection' : 'delete';
  throw notAllowed(method);
}

/** The admin may send large sets; a workload writes about itself only. */
function body({ bounds }: DispatchOptions, { request, caller }: Incoming): Promise<unknown> {
  const maxBytes = caller.user?.role === 'admin' ? bounds.maxBodyBytes : bounds.maxSmallBodyBytes;
  return readBody(request, { maxBytes, maxYamlBytes: bounds.maxSmallBodyBytes });
}

function staticDocument(options: DispatchOptions, segments: readonly string[]): unknown {
  const { kinds } = options.verbs;
  const [root, version, ...path] = segments;
  if (root === 'version' && segments.length === 1) return versionDocument(options.version);
  if (root !== 'openapi') return discoveryDocument(kinds, segments);
  if (version !== 'v3') return null;
  if (path.length === 0) return openApiIndex(kinds);
  const id = path.join('/');
  const found = kinds.groupVersions.find((each) =>
    each.group === '' ? id === `api/${each.version}` : id === `apis/${each.group}/${each.version}`,
  );
  return found === undefined ? null : openApiDocument(found);
}

function notAllowed(method: string): WeftError {
  return failure('unsupported', METHOD_NOT_ALLOWED, { what: `${method} is not allowed here` });
}
