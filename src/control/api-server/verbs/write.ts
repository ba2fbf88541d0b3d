/** POST, PUT and PATCH of one object or its status. */
import { randomBytes } from 'node:crypto';
import type { Key, Resource } from '../../../api/resource.ts';
import { isMap } from '../../../api/validate.ts';
import { WeftError } from '../../../core/errors.ts';
import { readManagedFields } from '../fields/managed-fields.ts';
import { applyFields } from '../fields/ownership.ts';
import type { Manager } from '../fields/managed-fields.ts';
import type { ApiResponse } from '../handler.ts';
import { jsonPatch } from '../patch/json-patch.ts';
import { mergePatch } from '../patch/merge-patch.ts';
import { strategicMerge, takesStrategicMerge } from '../patch/strategic-merge.ts';
import { failure, UNSUPPORTED_MEDIA_TYPE } from '../status.ts';
import type { Target } from '../target.ts';
import type { Proposal } from '../writes/admit.ts';
import type { Intent } from '../writes/writer.ts';
import { isDryRun, keyOfTarget, managerName, notFound, type ResourceCall, type VerbContext } from './resource-call.ts';

/** The target of a POST with the name that the body gives or asks for. */
export function targetOfCreate(target: Target, body: unknown): Target {
  const metadata = isMap(body) && isMap(body['metadata']) ? body['metadata'] : {};
  const { name, generateName } = metadata;
  if (typeof name === 'string' && name !== '') return { ...target, name };
  if (typeof generateName === 'string' && generateName !== '') {
    return { ...target, name: `${generateName}${randomBytes(3).toString('hex').slice(0, 5)}` };
  }
  throw new WeftError('invalid', { what: 'the object in the body needs metadata.name or metadata.generateName' });
}

export async function createObject(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const key = keyOfTarget(call.target);
  if (call.target.kind.namespaced && call.target.namespace === null) {
    throw new WeftError('invalid', { what: 'the path of a creation names the namespace', where: key.kind });
  }
  return one(context, call, 'Update', (live) => {
    if (live !== null) {
      throw new WeftError('already-exists', { what: `${call.target.kind.plural} "${key.name}" already exists` });
    }
    return { object: named(call.body, key), owners: null };
  });
}

export async function replaceObject(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const key = keyOfTarget(call.target);
  return one(context, call, 'Update', (live) => {
    if (live === null) throw notFound(key, call.target.kind.plural);
    return { object: call.body, owners: null };
  });
}

export async function patchObject(context: VerbContext, call: ResourceCall): Promise<ApiResponse> {
  const key = keyOfTarget(call.target);
  if (isApply(call.contentType)) {
    if (call.query.get('fieldManager') === null) {
      throw new WeftError('invalid', { what: 'a server-side apply needs the query parameter fieldManager' });
    }
    const manager = managerOf(call, 'Apply');
    const force = call.query.get('force') === 'true';
    return one(context, call, 'Apply', (live) => {
      if (live === null && call.target.subresource !== null) throw notFound(key, call.target.kind.plural);
      return proposeApply(live, named(call.body, key), manager, force, context.clock.wall());
    });
  }
  const patch = patcher(call);
  return one(context, call, 'Update', (live) => {
    if (live === null) throw notFound(key, call.target.kind.plural);
    return { object: patch(live), owners: null };
  });
}

/** Server-side apply (KEP-555). Throws `conflict` with every field that another manager owns. */
export function proposeApply(
  live: Resource | null,
  config: unknown,
  manager: Manager,
  force: boolean,
  nowMs: number,
): Proposal {
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const owned = ownedPart(config, manager.subresource);
  const owners = readManagedFields(live?.metadata.managedFields);
  const applied = applyFields(live, owners, owned, manager, force, now);
  if (!('conflicts' in applied)) return applied;
  const { conflicts } = applied;
  const causes = conflicts.map(({ field, owner }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with "${owner.name}"`,
    field,
  }));
  const names = [...new Set(conflicts.map(({ owner }) => owner.name))].join(', ');
  const what = `apply failed with ${conflicts.length} conflict(s): ${conflicts.map(({ field }) => field).join(', ')} owned by ${names}`;
  const hint = 'Leave these fields out, or take them over with force';
  throw failure('conflict', { code: 409, reason: 'Conflict' }, { what, hint }, causes);
}

/** An apply of the object never owns its status, and one of the status owns nothing else. */
function ownedPart(config: unknown, subresource: string): unknown {
  if (!isMap(config)) return config;
  const { status, ...main } = config;
  if (subresource !== 'status') return main;
  const { apiVersion, kind, metadata } = main;
  const { name, namespace, resourceVersion, uid } = isMap(metadata) ? metadata : {};
  return { apiVersion, kind, metadata: { name, namespace, resourceVersion, uid }, status };
}

function patcher(call: ResourceCall): (live: Resource) => unknown {
  const { body, contentType, target } = call;
  if (contentType === 'application/merge-patch+json') return (live) => mergePatch(live, body);
  if (contentType === 'application/json-patch+json') return (live) => jsonPatch(live, body);
  const isStrategic = contentType === 'application/strategic-merge-patch+json';
  if (isStrategic && takesStrategicMerge(target.kind.kind))
    return (live) => strategicMerge(target.kind.kind, live, body);
  throw failure('unsupported', UNSUPPORTED_MEDIA_TYPE, {
    what: `a ${target.kind.kind} cannot be patched with ${contentType || 'a body without media type'}`,
    hint: 'Use application/merge-patch+json, application/json-patch+json or application/apply-patch+yaml',
  });
}

async function one(
  context: VerbContext,
  call: ResourceCall,
  operation: 'Apply' | 'Update',
  propose: Intent['propose'],
): Promise<ApiResponse> {
  const { kind } = call.target;
  const intent = { kind, key: keyOfTarget(call.target), manager: managerOf(call, operation), user: call.user, propose };
  const outcomes = await context.writer.write([intent], isDryRun(call.query.getAll('dryRun')), (error) => {
    throw error;
  });
  const [outcome] = outcomes ?? [];
  return { status: outcome?.action === 'created' ? 201 : 200, body: outcome?.resource };
}

function managerOf(call: ResourceCall, operation: 'Apply' | 'Update'): Manager {
  return { name: managerName(call.query, call.userAgent), operation, subresource: call.target.subresource ?? '' };
}

function isApply(contentType: string): boolean {
  return contentType === 'application/apply-patch+yaml';
}

/** The path gives name and namespace where the body leaves them out. */
function named(body: unknown, key: Key): unknown {
  if (!isMap(body)) return body;
  const metadata = isMap(body['metadata']) ? body['metadata'] : {};
  const inNamespace = key.namespace === '' ? {} : { namespace: key.namespace };
  return { ...body, metadata: { name: key.name, ...inNamespace, ...metadata } };
}
