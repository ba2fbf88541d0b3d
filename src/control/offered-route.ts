/**
 * `GET …/workloads/:name/xds`: what the proxy of a workload is offered and how far it has come with each resource, for
 * `weft diff` and `weft proxy-config`. The administrator's alone, and in pages: a view may be tens of megabytes.
 */
import { fromBinary } from '@bufbuild/protobuf';
import { WeftError } from '../core/errors.ts';
import { SecretSchema } from '../protos/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.ts';
import { shortTypeName, TYPE_ORDER, TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../xds/resource.ts';
import type { TypeStatus } from '../xds/server/session.ts';
import type { ApiRequest, Route } from './api-server/handler.ts';
import type { Publisher } from './publish/publisher.ts';
import type { ProxyNode, Views } from './publish/views.ts';

export interface OfferedRouteOptions {
  readonly publisher: Pick<Publisher, 'proxy'>;
  readonly views: Pick<Views, 'viewOf' | 'release'>;
}

/** Bounds of one page; the first resource of a page comes whatever its size. */
const MAX_PAGE_RESOURCES = 1_000;
const MAX_PAGE_BYTES = 2 << 20;

interface Entry {
  readonly type: TypeUrl;
  readonly name: string;
  /** null: the client has it, and it is not offered any more. */
  readonly resource: XdsResource | null;
  /** undefined: the client never asked for this type, or is not connected. */
  readonly status: TypeStatus | undefined;
}

export function offeredRoute(options: OfferedRouteOptions): Route {
  return {
    method: 'GET',
    path: '/apis/weft.mesh/v1/namespaces/:namespace/workloads/:name/xds',
    access: 'admin',
    handle(request) {
      const node = nodeOf(request);
      const proxy = options.publisher.proxy(node.id);
      const view = viewOf(options, node, proxy?.node ?? null);
      const all = entries(view, proxy?.types ?? [], wantedTypes(request.query.get('type')));
      const { page, next } = pageOf(all, request.query.get('continue') ?? '');
      return {
        status: 200,
        body: {
          node: node.id,
          connected: proxy !== null,
          kind: proxy?.node.kind ?? '',
          userAgent: proxy?.userAgent ?? '',
          resources: page.map(entryBody),
          continue: next,
        },
      };
    },
  };
}

function nodeOf({ params }: ApiRequest): ProxyNode {
  const { namespace = '', name: workload = '' } = params;
  return { id: `${namespace}/${workload}`, namespace, workload, cluster: '', kind: '', onDemand: false };
}

/** The view as it is now, also what waits to be pushed. That of a proxy which is not connected is not kept. */
function viewOf({ views }: OfferedRouteOptions, node: ProxyNode, connected: ProxyNode | null): XdsView {
  if (connected !== null) return views.viewOf(connected);
  const view = views.viewOf(node);
  views.release(node.id);
  if (view.size === 0) {
    throw new WeftError('not-found', {
      what: `there is no workload "${node.workload}"`,
      where: `namespace ${node.namespace}`,
    });
  }
  return view;
}

function wantedTypes(short: string | null): readonly TypeUrl[] {
  if (short === null) return TYPE_ORDER;
  const found = TYPE_ORDER.filter((type) => shortTypeName(type) === short);
  if (found.length > 0) return found;
  const hint = `One of: ${TYPE_ORDER.map(shortTypeName).join(', ')}`;
  throw new WeftError('invalid', { what: `there is no type ${JSON.stringify(short)}`, where: 'type', hint });
}

/** In a stable order, so that pages follow each other. */
function entries(view: XdsView, statuses: readonly TypeStatus[], types: readonly TypeUrl[]): Entry[] {
  return types.flatMap((type) => {
    const offered = view.get(type) ?? new Map<string, XdsResource>();
    const status = statuses.find((each) => each.type === type);
    const names = [...new Set([...offered.keys(), ...(status?.acked.keys() ?? [])])].toSorted();
    return names.map((name) => ({ type, name, resource: offered.get(name) ?? null, status }));
  });
}

function pageOf(all: readonly Entry[], after: string): { page: readonly Entry[]; next: string } {
  // Not by number: what comes and goes between two pages must not make a third resource vanish.
  const start = after === '' ? 0 : all.findIndex((entry) => comesAfter(entry, after));
  if (start === -1) return { page: [], next: '' };
  let bytes = 0;
  let end = start;
  for (; end < all.length && end - start < MAX_PAGE_RESOURCES; end++) {
    bytes += all[end]?.resource?.bytes.length ?? 0;
    if (bytes > MAX_PAGE_BYTES && end > start) break;
  }
  const last = all[end - 1];
  return { page: all.slice(start, end), next: end < all.length && last !== undefined ? tokenOf(last) : '' };
}

function tokenOf({ type, name }: Entry): string {
  return `${shortTypeName(type)}/${name}`;
}

function comesAfter(entry: Entry, token: string): boolean {
  const slash = token.indexOf('/');
  const rank = TYPE_ORDER.findIndex((type) => shortTypeName(type) === token.slice(0, slash));
  const own = TYPE_ORDER.indexOf(entry.type);
  return own > rank || (own === rank && entry.name > token.slice(slash + 1));
}

function entryBody({ type, name, resource, status }: Entry) {
  return {
    type: shortTypeName(type),
    name,
    version: resource?.version ?? null,
    origins: resource?.origins ?? [],
    /** Whether the proxy has asked for it: others it needs not have. */
    wanted: status !== undefined && (status.wildcard || status.names.has(name)),
    acknowledged: status?.acked.get(name) ?? null,
    refused: status?.refused.get(name) ?? null,
    base64: resource === null || mayHoldKey(resource) ? null : Buffer.from(resource.bytes).toString('base64'),
  };
}

/** Weft sends roots and no other secret; should that change, this is not the place where a key is seen. */
function mayHoldKey({ type, bytes }: XdsResource): boolean {
  return type === TYPE_URLS.secret && fromBinary(SecretSchema, bytes).type.case !== 'validationContext';
}
