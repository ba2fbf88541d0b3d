/** One call on resources, as the verbs see it: what is named, by whom, with what. */
import type { KindRegistry } from '../../../api/registry.ts';
import type { Key } from '../../../api/resource.ts';
import { WeftError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/runtime.ts';
import type { Store } from '../../store/store.ts';
import type { Target } from '../target.ts';
import type { User } from '../user.ts';
import type { Writer } from '../writes/writer.ts';
import type { Enrolments } from '../writes/registration.ts';

export interface VerbContext {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly writer: Writer;
  readonly enrolments: Enrolments;
}

export interface ResourceCall {
  readonly target: Target;
  readonly user: User;
  readonly query: URLSearchParams;
  readonly accept: string;
  readonly contentType: string;
  readonly userAgent: string;
  /** undefined: none. */
  readonly body: unknown;
}

export function keyOfTarget(target: Target): Key {
  return { kind: target.kind.kind, namespace: target.namespace ?? '', name: target.name ?? '' };
}

export function notFound(key: Key, plural: string): WeftError {
  const where = key.namespace === '' ? '' : `namespace ${key.namespace}`;
  return new WeftError('not-found', { what: `${plural} "${key.name}" not found`, where });
}

/** `dryRun=All` of the query or of DeleteOptions. Throws `invalid` for another value. */
export function isDryRun(values: readonly unknown[]): boolean {
  const set = values.filter((value) => value !== '');
  if (set.some((value) => value !== 'All')) throw new WeftError('invalid', { what: 'dryRun must be "All"' });
  return set.length > 0;
}

const MAX_MANAGER = 128;

/** Who owns what this call writes: the query's fieldManager, else the program of the User-Agent. */
export function managerName(query: URLSearchParams, userAgent: string): string {
  const name = query.get('fieldManager') ?? (userAgent.split('/', 1)[0] || 'unknown');
  // Kubernetes: printable and at most 128 characters.
  if (name.length > MAX_MANAGER || !/^[\x20-\x7e]+$/.test(name)) {
    throw new WeftError('invalid', { what: `fieldManager must be at most ${MAX_MANAGER} printable characters` });
  }
  return name;
}
