/** `metadata.managedFields`: who owns which fields of an object, read and written. */
import { isMap } from '../../../api/validate.ts';
import { type FieldSet, fromFieldsV1, toFieldsV1 } from './field-set.ts';

export type Operation = 'Apply' | 'Update';

export interface Manager {
  readonly name: string;
  readonly operation: Operation;
  /** `status` or empty. */
  readonly subresource: string;
}

export interface Owner extends Manager {
  readonly fields: FieldSet;
  /** RFC 3339; when `fields` or their values last changed. */
  readonly time: string;
}

export function readManagedFields(value: unknown): readonly Owner[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isMap).map((entry) => ({
    name: textOf(entry['manager']),
    operation: entry['operation'] === 'Apply' ? 'Apply' : 'Update',
    subresource: textOf(entry['subresource']),
    time: textOf(entry['time']),
    fields: fromFieldsV1(entry['fieldsV1']),
  }));
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** Owners of nothing are left out. */
export function writeManagedFields(owners: readonly Owner[], apiVersion: string): readonly unknown[] {
  return owners
    .filter((owner) => owner.fields.size > 0)
    .map(({ name, operation, subresource, time, fields }) => ({
      manager: name,
      operation,
      apiVersion,
      time,
      fieldsType: 'FieldsV1',
      fieldsV1: toFieldsV1(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

export function sameManager(a: Manager, b: Manager): boolean {
  return a.name === b.name && a.operation === b.operation && a.subresource === b.subresource;
}
