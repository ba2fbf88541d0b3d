/**
 * What a kind of resource is: its names, its schema and how a list of it reads. A kind is one value in one file, so that
 * validation, discovery, OpenAPI, `get` tables and completion all follow from adding it to a list.
 */
import type { z } from 'zod';
import type { NameRule } from './names.ts';
import type { Resource } from './resource.ts';
import type { ReportViolation } from './violation.ts';

/** Resources are shared and never changed in place: their types say so all the way down. */
export type Frozen<T> = T extends (infer Item)[]
  ? readonly Frozen<Item>[]
  : T extends object
    ? { readonly [Field in keyof T]: Frozen<T[Field]> }
    : T;

export interface Kind<Spec = unknown, Status = unknown> {
  /** Empty for the core group. */
  readonly group: string;
  /** The version that is stored and served. */
  readonly version: string;
  /** Other versions of the same shape, accepted in documents and turned into `version`. */
  readonly alsoVersions: readonly string[];
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly namespaced: boolean;
  readonly nameRule: NameRule;
  /** One sentence, for discovery, OpenAPI and the reference. */
  readonly description: string;
  readonly spec: z.ZodType;
  readonly specRequired: boolean;
  /** Served at `…/<name>/status`. */
  readonly status: z.ZodType;
  /** Paths such as `spec.trustDomain` that never change after creation. */
  readonly immutable: readonly string[];
  /** Columns of a table besides NAMESPACE, NAME and AGE. */
  readonly columns: readonly Column<Spec, Status>[];
  /** Rules between fields that the schema cannot say. Runs only on a resource whose shape is right. */
  check?(resource: Resource<Spec, Status>, report: ReportViolation): void;
}

export interface Column<Spec = unknown, Status = unknown> {
  /** Upper case, as it heads the column. */
  readonly name: string;
  /** Shown by `-o wide` only. */
  readonly wide: boolean;
  /** Empty text when there is nothing to show. */
  value(resource: Resource<Spec, Status>): string;
}

/** `group/version`, or the version alone in the core group. */
export function apiVersionOf(kind: Pick<Kind, 'group' | 'version'>): string {
  return kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
}
