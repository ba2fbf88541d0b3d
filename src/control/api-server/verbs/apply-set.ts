/**
 * `POST /apis/weft.mesh/v1/applysets`: server-side apply of many objects as one commit, which Kubernetes has no verb
 * for. All violations of all items come back together, and then nothing was written.
 */
import { keyOf, keyText, type Resource } from '../../../api/resource.ts';
import { isMap, readResource } from '../../../api/validate.ts';
import type { Violation } from '../../../api/violation.ts';
import { isWeftError, WeftError } from '../../../core/errors.ts';
import { authorize } from '../authorize.ts';
import { type Manager, readManagedFields } from '../fields/managed-fields.ts';
import type { ApiResponse } from '../handler.ts';
import { violationsOf } from '../status.ts';
import type { User } from '../user.ts';
import type { Intent } from '../writes/writer.ts';
import { isDryRun, managerName, type VerbContext } from './resource-call.ts';
import { proposeApply } from './write.ts';

const MAX_ITEMS = 10_000;
const DEFAULT_NAMESPACE = 'default';

/** Body `{items, fieldManager, force?, dryRun?}`; answers `{results: [{key, action}], violations?}` in the order of the items. */
export async function applySet(context: VerbContext, user: User, body: unknown): Promise<ApiResponse> {
  const order = readOrder(body);
  const violations: Violation[] = [];
  const intents: Intent[] = [];
  for (const item of order.items) {
    const read = readResource(context.kinds, item, DEFAULT_NAMESPACE);
    violations.push(...read.violations);
    if (read.resource !== null) intents.push(intentOf(context, user, read.resource, order));
  }
  if (violations.length > 0) return { status: 200, body: { results: [], violations } };
  const outcomes = await context.writer.write(intents, order.dryRun, (error, intent) => {
    violations.push(...planningViolations(error, intent));
  });
  if (outcomes === null) return { status: 200, body: { results: [], violations } };
  const results = outcomes.map(({ resource, action }) => ({ key: keyText(keyOf(resource)), action }));
  return { status: 200, body: { results } };
}

/** What depends on the objects that exist: immutable fields, a namespace that is missing. Anything else refuses the set. */
function planningViolations(error: unknown, { key }: Intent): readonly Violation[] {
  const violations = violationsOf(error);
  if (violations.length > 0) return violations;
  if (isWeftError(error, 'not-found')) {
    return [{ ...key, path: 'metadata.namespace', message: error.what, hint: error.hint, place: null }];
  }
  throw error;
}

interface Order {
  readonly items: readonly unknown[];
  readonly manager: Manager;
  readonly force: boolean;
  readonly dryRun: boolean;
}

function readOrder(body: unknown): Order {
  if (!isMap(body) || !Array.isArray(body['items'])) {
    throw new WeftError('invalid', { what: 'the body must be {"items": […], "fieldManager": "…"}' });
  }
  const { items, fieldManager, force, dryRun } = body;
  if (items.length > MAX_ITEMS) {
    throw new WeftError('limit-exceeded', { what: `a set has at most ${MAX_ITEMS} items`, where: 'items' });
  }
  if (typeof fieldManager !== 'string') throw new WeftError('invalid', { what: 'fieldManager must be a string' });
  const name = managerName(new URLSearchParams({ fieldManager }), '');
  const dry = dryRun === true || isDryRun(typeof dryRun === 'string' ? [dryRun] : []);
  return { items, manager: { name, operation: 'Apply', subresource: '' }, force: force === true, dryRun: dry };
}

function intentOf(context: VerbContext, user: User, item: Resource, order: Order): Intent {
  const key = keyOf(item);
  const kind = context.kinds.byKind(key.kind);
  if (kind === null) throw new WeftError('internal', { what: 'a resource of no kind was read', where: keyText(key) });
  const config = withoutServerFields(item);
  const action = { kind: key.kind, namespace: key.namespace || null, name: key.name, subresource: null };
  // A workload creates the Services of its own service where they are missing, and never changes one.
  const onlyCreates = user.role === 'workload' && key.kind === 'Service';
  authorize(user, { ...action, verb: onlyCreates ? 'create' : 'patch' });
  return {
    kind,
    key,
    manager: order.manager,
    user,
    propose: (live) =>
      onlyCreates && live !== null
        ? { object: live, owners: readManagedFields(live.metadata.managedFields) }
        : proposeApply(live, config, order.manager, order.force, context.clock.wall()),
  };
}

/** People apply what they exported: what the server filled in then is no condition now. */
function withoutServerFields(item: Resource): unknown {
  const { resourceVersion: _, uid: __, managedFields: ___, ...metadata } = item.metadata;
  return { ...item, metadata };
}
