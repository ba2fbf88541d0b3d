/**
 * `GET /apis/weft.mesh/v1/clientstatus`: an envoy.service.status.v3.ClientStatusResponse about connected proxies, for the
 * administrator and for tools that know CSDS. One proxy (`node=<namespace>/<workload>`, with contents if
 * `contents=true`), or a hundred at a time in order of node id (`after=` the last of the page before).
 */
import { WeftError } from '../core/errors.ts';
import type { Route } from './api-server/handler.ts';
import { clientStatusBytes } from './publish/client-status.ts';
import type { Publisher } from './publish/publisher.ts';

const PAGE = 100;

export function clientStatusRoute(publisher: Pick<Publisher, 'proxy' | 'proxies'>): Route {
  return {
    method: 'GET',
    path: '/apis/weft.mesh/v1/clientstatus',
    access: 'admin',
    handle({ query }) {
      const node = query.get('node');
      const withContents = query.get('contents') === 'true';
      const proxies = node === null ? pageAfter(publisher, query.get('after') ?? '') : [oneOf(publisher, node)];
      return {
        status: 200,
        body: clientStatusBytes(proxies, withContents && node !== null),
        contentType: 'application/x-protobuf',
      };
    },
  };
}

function pageAfter(publisher: Pick<Publisher, 'proxies'>, after: string) {
  const all = publisher.proxies().filter((proxy) => proxy.node.id > after);
  return all.slice(0, PAGE);
}

function oneOf(publisher: Pick<Publisher, 'proxy'>, node: string) {
  const proxy = publisher.proxy(node);
  if (proxy === null) throw new WeftError('not-found', { what: `no proxy of "${node.slice(0, 200)}" is connected` });
  return proxy;
}
