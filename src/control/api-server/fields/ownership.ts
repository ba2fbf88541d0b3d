/**
 * Server-side apply and the book-keeping that it needs: whoever writes a field owns it; an apply may not change what
 * another owns, unless forced, and removes what it owned alone and no longer names. Pure, over plain values.
 */
import { isMap } from '../../../api/validate.ts';
import { equalJson, own } from '../patch/json.ts';
import { FieldIndex, type FieldSet, fieldAt, fieldsOf, fieldText, removeField } from './field-set.ts';
import { type Manager, type Owner, sameManager } from './managed-fields.ts';

export interface FieldConflict {
  /** `.spec.rules` */
  readonly field: string;
  readonly owner: Manager;
}

export type Applied =
  | { readonly object: unknown; readonly owners: readonly Owner[] }
  | { readonly conflicts: readonly FieldConflict[] };

/** `live` null: the object does not exist yet. */
export function applyFields(
  live: unknown,
  owners: readonly Owner[],
  config: unknown,
  manager: Manager,
  force: boolean,
  now: string,
): Applied {
  const wanted = fieldsOf(config);
  const others = owners.filter((owner) => !sameManager(owner, manager));
  const conflicts = findConflicts(live, others, config, wanted);
  if (conflicts.length > 0 && !force) return { conflicts };

  const kept = others.map((owner) => ({ ...owner, fields: losing(owner.fields, conflicts, owner) }));
  const before = owners.find((owner) => sameManager(owner, manager));
  const needed = [wanted, ...kept.map((owner) => owner.fields)].map((fields) => new FieldIndex(fields));
  const dropped = [...(before?.fields ?? [])].filter((path) => !needed.some((index) => index.holds(path)));
  const object = overlay(dropped.reduce(removeField, live ?? {}), config);
  const unchanged = before !== undefined && sameFields(before.fields, wanted) && equalJson(object, live);
  const mine: Owner = { ...manager, fields: wanted, time: unchanged ? before.time : now };
  return { object, owners: withOwner(owners, kept, mine) };
}

/** `mine` in the place that it had, so that an order that changes is no change of the object. */
function withOwner(before: readonly Owner[], others: readonly Owner[], mine: Owner): readonly Owner[] {
  const place = before.findIndex((owner) => sameManager(owner, mine));
  return place === -1 ? [...others, mine] : others.toSpliced(place, 0, mine);
}

interface FoundConflict extends FieldConflict {
  readonly path: string;
}

function findConflicts(live: unknown, others: readonly Owner[], config: unknown, wanted: FieldSet): FoundConflict[] {
  const found: FoundConflict[] = [];
  for (const owner of others) {
    const owned = new FieldIndex(owner.fields);
    for (const wish of wanted) {
      for (const path of owned.related(wish)) {
        if (clash(live, config, path, wish)) found.push({ field: fieldText(wish), owner, path });
      }
    }
  }
  return found;
}

/** Equal values are shared, and a map that one side owns as empty may be filled by the other. */
function clash(live: unknown, config: unknown, owned: string, wish: string): boolean {
  const outer = owned.length < wish.length ? owned : wish;
  const [was, is] = [fieldAt(live, outer), fieldAt(config, outer)];
  if (equalJson(was, is)) return false;
  return !(isMap(was) && isMap(is) && isEmpty(outer === owned ? was : is));
}

/** An update (PUT, PATCH, POST): what changed is the manager's now, and what is gone is nobody's. */
export function ownersAfterUpdate(
  owners: readonly Owner[],
  live: unknown,
  next: unknown,
  manager: Manager,
  now: string,
): readonly Owner[] {
  const present = fieldsOf(next);
  const written = new Set([...present].filter((path) => !equalJson(fieldAt(live, path), fieldAt(next, path))));
  if (written.size === 0 && sameFields(fieldsOf(live), present)) return owners;
  const others = owners
    .filter((owner) => !sameManager(owner, manager))
    .map((owner) => ({
      ...owner,
      fields: new Set([...owner.fields].filter((path) => present.has(path) && !written.has(path))),
    }));
  const before = owners.find((owner) => sameManager(owner, manager));
  const still = [...(before?.fields ?? [])].filter((path) => present.has(path));
  return withOwner(owners, others, { ...manager, fields: new Set([...still, ...written]), time: now });
}

/** Maps merge; everything else of `config` replaces. */
function overlay(live: unknown, config: unknown): unknown {
  if (!isMap(config) || !isMap(live)) return config;
  const merged: Record<string, unknown> = { ...live };
  for (const [name, value] of Object.entries(config)) merged[name] = overlay(own(live, name), value);
  return merged;
}

function losing(fields: FieldSet, conflicts: readonly FoundConflict[], owner: Owner): FieldSet {
  const lost = new Set(conflicts.filter((conflict) => conflict.owner === owner).map((conflict) => conflict.path));
  return new Set([...fields].filter((path) => !lost.has(path)));
}

function sameFields(a: FieldSet, b: FieldSet): boolean {
  return a.size === b.size && [...a].every((path) => b.has(path));
}

function isEmpty(map: Readonly<Record<string, unknown>>): boolean {
  return Object.keys(map).length === 0;
}
