/** DELETE of an object and of a collection. A Namespace takes its objects with it, in one commit. */
import { meshKind } from '../../../api/kinds/mesh.ts';
import { keyOf, type Resource } from '../../../api/resource.ts';
import { isMap } from '../../../api/validate.ts';
import { isWeftError, WeftError } from '../../../core/errors.ts';
import type { ApiResponse } from '../handler.ts';
import { readSelectors } from '../selector.ts';
import { success } from '../status.ts';
import { isDryRun, keyOfTarget, notFound, type ResourceCall, type VerbContext } from './resource-call.ts';

/** What exists from the start and stays. */
export const PERMANENT_NAMESPACES = ['default', 'weft-system'] as const;

const MAX_ATTEMPTS = 8;

export async function deleteObject(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const { kind } = call.target;
  const key = keyOfTarget(call.target);
  if (kind.kind === 'Namespace' && (PERMANENT_NAMESPACES as readonly string[]).includes(key.name)) {
    throw new WeftError('forbidden', { what: `namespace "${key.name}" may not be deleted` });
  }
  if (kind.kind === meshKind.kind) throw meshStays();
  const gone = await commitDeletion(context, call, async () => {
    const found = await context.store.get(key);
    if (found === null) throw notFound(key, kind.plural);
    assertPreconditions(call.body, found);
    return kind.kind === 'Namespace' ? [found, ...(await objectsIn(context, key.name))] : [found];
  });
  if (kind.kind === 'Namespace' && !isDeletionDryRun(call)) await sweep(context, key.name);
  if (kind.kind === 'Workload' && call.user.role === 'workload' && !isDeletionDryRun(call)) {
    await context.enrolments.release(key.namespace, key.name);
  }
  const uid = gone[0]?.metadata.uid;
  return { status: 200, body: success({ name: key.name, group: kind.group, kind: kind.plural, uid }) };
}

export async function deleteCollection(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const { kind, namespace } = call.target;
  if (kind.kind === 'Namespace') throw new WeftError('forbidden', { what: 'namespaces are deleted one by one' });
  if (kind.kind === meshKind.kind) throw meshStays();
  if (kind.namespaced && namespace === null) {
    throw new WeftError('forbidden', { what: 'a collection is deleted in one namespace at a time' });
  }
  const matches = readSelectors(call.query);
  const gone = await commitDeletion(context, call, async () => {
    const { items } = await context.store.list(kind.kind, namespace ?? undefined);
    return items.filter(matches);
  });
  const items = gone.map((item) => item.metadata.name);
  return { status: 200, body: success({ kind: kind.plural, group: kind.group, deleted: items.length }) };
}

/** Made anew it could name another trust domain, which no certificate of this mesh has. */
function meshStays(): WeftError {
  return new WeftError('forbidden', {
    what: 'the Mesh may not be deleted: its trust domain is that of every certificate',
    hint: 'Apply it with other fields, or begin a new mesh in another state directory',
  });
}

/** Deletes what `choose` finds, if it is still what was found; else chooses again. */
async function commitDeletion(
  context: VerbContext,
  call: ResourceCall,
  choose: () => Promise<readonly Resource[]>,
): Promise<readonly Resource[]> {
  for (let attempt = 1; ; attempt += 1) {
    const chosen = await choose();
    if (isDeletionDryRun(call)) return chosen;
    try {
      await context.store.commit(
        chosen.map((item) => ({ key: keyOf(item), value: null })),
        chosen.map((item) => ({ key: keyOf(item), resourceVersion: item.metadata.resourceVersion ?? '' })),
      );
      return chosen;
    } catch (error) {
      const raced = isWeftError(error, 'conflict') || isWeftError(error, 'not-found');
      if (!raced || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}

/** What was created between the look and the commit. Nothing can follow: a creation needs its namespace. */
async function sweep(context: VerbContext, namespace: string): Promise<void> {
  if ((await context.store.get({ kind: 'Namespace', namespace: '', name: namespace })) !== null) return;
  const left = await objectsIn(context, namespace);
  await context.store.commit(
    left.map((item) => ({ key: keyOf(item), value: null })),
    [],
  );
}

async function objectsIn(context: VerbContext, namespace: string): Promise<readonly Resource[]> {
  const namespaced = context.kinds.all.filter((kind) => kind.namespaced);
  const lists = await Promise.all(namespaced.map((kind) => context.store.list(kind.kind, namespace)));
  return lists.flatMap(({ items }) => items);
}

function isDeletionDryRun(call: ResourceCall): boolean {
  const inBody = isMap(call.body) && Array.isArray(call.body['dryRun']) ? call.body['dryRun'] : [];
  return isDryRun([...call.query.getAll('dryRun'), ...inBody]);
}

/** `preconditions` of DeleteOptions. */
function assertPreconditions(options: unknown, found: Resource): void {
  const wanted = isMap(options) && isMap(options['preconditions']) ? options['preconditions'] : {};
  for (const field of ['uid', 'resourceVersion'] as const) {
    if (wanted[field] === undefined || wanted[field] === found.metadata[field]) continue;
    throw new WeftError('conflict', {
      what: `the precondition on ${field} does not hold: it is ${found.metadata[field]}`,
      where: `${found.kind} ${found.metadata.name}`,
    });
  }
}
