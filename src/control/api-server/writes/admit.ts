/**
 * From what a caller proposes to what is stored: checks it, keeps what belongs to the server (uid, generation, status or
 * spec, owners of fields) and tells a change from none. Pure, so that a dry run and a commit are the same decision.
 */
import type { Kind } from '../../../api/kind.ts';
import type { KindRegistry } from '../../../api/registry.ts';
import { type Key, keyText, type Resource } from '../../../api/resource.ts';
import { isMap, readResource, validateUpdate } from '../../../api/validate.ts';
import { WeftError } from '../../../core/errors.ts';
import { type Manager, type Owner, readManagedFields, writeManagedFields } from '../fields/managed-fields.ts';
import { ownersAfterUpdate } from '../fields/ownership.ts';
import { equalJson } from '../patch/json.ts';
import { failure, invalidObject } from '../status.ts';

export interface Proposal {
  readonly object: unknown;
  /** Decided already by a server-side apply; null: derived from what changed. */
  readonly owners: readonly Owner[] | null;
}

export interface AdmitFacts {
  readonly kinds: KindRegistry;
  readonly kind: Kind;
  readonly key: Key;
  /** null: a creation. */
  readonly live: Resource | null;
  readonly manager: Manager;
  readonly nowMs: number;
  readonly newUid: () => string;
}

/** What is to be stored; `live` itself when nothing changes. Throws `invalid` with all violations, or `conflict`. */
export function admit(proposal: Proposal, facts: AdmitFacts): Resource {
  const { kinds, kind, key, live, manager } = facts;
  const { object } = proposal;
  if (!isMap(object) || !isMap(object['metadata'])) {
    throw new WeftError('invalid', { what: 'the body must be an object with metadata', where: keyText(key) });
  }
  assertPreconditions(object['metadata'], facts);
  const status = manager.subresource === 'status';
  const candidate = status && live !== null ? { ...live, status: object['status'] } : mainPart(object, facts);
  const { resource, violations } = readResource(kinds, candidate, key.namespace);
  if (resource === null) throw invalidObject(violations);
  assertNamed(resource, key);
  const frozen = live === null ? [] : validateUpdate(kind, live, resource);
  if (frozen.length > 0) throw invalidObject(frozen);
  return withBookkeeping(resource, proposal.owners, facts);
}

/** Spec and metadata are the caller's, the status is not. */
function mainPart(object: Readonly<Record<string, unknown>>, { kind, live }: AdmitFacts): Record<string, unknown> {
  const { status: _, ...main } = object;
  const { managedFields: __, selfLink: ___, ...metadata } = object['metadata'] as Record<string, unknown>;
  const status = live?.status ?? (kind.kind === 'Namespace' ? { phase: 'Active' } : undefined);
  return { ...main, metadata, ...(status === undefined ? {} : { status }) };
}

function assertPreconditions(metadata: Readonly<Record<string, unknown>>, { key, live }: AdmitFacts): void {
  const { resourceVersion, uid } = metadata;
  if (live === null) return;
  if (
    typeof resourceVersion === 'string' &&
    resourceVersion !== '' &&
    resourceVersion !== live.metadata.resourceVersion
  ) {
    throw new WeftError('conflict', {
      what: `the object has been modified: it is at revision ${live.metadata.resourceVersion}, not ${resourceVersion}`,
      where: keyText(key),
      hint: 'Read it again and repeat the change on the new version',
    });
  }
  if (typeof uid === 'string' && uid !== '' && uid !== live.metadata.uid) {
    throw new WeftError('conflict', {
      what: `the object is another one of that name: its uid is ${live.metadata.uid}, not ${uid}`,
      where: keyText(key),
    });
  }
}

function assertNamed(resource: Resource, key: Key): void {
  const { name, namespace = '' } = resource.metadata;
  if (resource.kind === key.kind && name === key.name && namespace === key.namespace) return;
  throw failure(
    'invalid',
    { code: 400, reason: 'BadRequest' },
    {
      what: `the object in the body is ${resource.kind} ${namespace}/${name}, the path names ${key.kind} ${key.namespace}/${key.name}`,
    },
  );
}

function withBookkeeping(resource: Resource, decided: readonly Owner[] | null, facts: AdmitFacts): Resource {
  const { live, manager, nowMs } = facts;
  const now = new Date(nowMs).toISOString().replace(/\.\d+Z$/, 'Z');
  const before = readManagedFields(live?.metadata.managedFields);
  const owners = decided ?? ownersAfterUpdate(before, live, resource, manager, now);
  const managedFields = writeManagedFields(owners, resource.apiVersion);
  const next: Resource = {
    ...resource,
    metadata: {
      ...resource.metadata,
      uid: live?.metadata.uid ?? facts.newUid(),
      creationTimestamp: live?.metadata.creationTimestamp ?? now,
      generation: generation(live, resource),
      managedFields,
      ...(live?.metadata.resourceVersion === undefined ? {} : { resourceVersion: live.metadata.resourceVersion }),
    },
  };
  return live !== null && equalJson(next, live) ? live : next;
}

/** Grows with every change of what the user wants; status and metadata do not count. */
function generation(live: Resource | null, next: Resource): number {
  const last = live?.metadata.generation ?? 0;
  return live !== null && equalJson(live.spec, next.spec) ? last : last + 1;
}
