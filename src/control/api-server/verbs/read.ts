/** GET of an object and of a collection. */
import { apiVersionOf } from '../../../api/kind.ts';
import type { ApiResponse } from '../handler.ts';
import { readSelectors } from '../selector.ts';
import { readRowObject, tableOf, wantsTable } from '../table.ts';
import { keyOfTarget, notFound, type ResourceCall, type VerbContext } from './resource-call.ts';

export async function getObject(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const { kind } = call.target;
  const key = keyOfTarget(call.target);
  const found = await context.store.get(key);
  if (found === null) throw notFound(key, kind.plural);
  if (!wantsTable(call.accept)) return { status: 200, body: found };
  const resourceVersion = found.metadata.resourceVersion ?? '';
  const options = { rowObject: readRowObject(call.query), nowMs: context.clock.wall(), resourceVersion };
  return { status: 200, body: tableOf(kind, [found], options) };
}

/** The whole list: `limit` may be left aside (API conventions, "Retrieving large results sets in chunks"). */
export async function listObjects(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const { kind, namespace } = call.target;
  const matches = readSelectors(call.query);
  const { cursor, items } = await context.store.list(kind.kind, namespace ?? undefined);
  const chosen = items.filter(matches);
  if (wantsTable(call.accept)) {
    const options = { rowObject: readRowObject(call.query), nowMs: context.clock.wall(), resourceVersion: cursor };
    return { status: 200, body: tableOf(kind, chosen, options) };
  }
  const body = {
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: { resourceVersion: cursor },
    items: chosen,
  };
  return { status: 200, body };
}
