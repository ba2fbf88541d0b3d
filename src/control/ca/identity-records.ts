/**
 * Join tokens and enrolments in the store, as internal objects that the public API serves nowhere. Using a token up
 * and recording whom it let in is one commit on condition, so that no race redeems a token twice.
 */
import type { Key, Resource } from '../../api/resource.ts';
import { isWeftError } from '../../core/errors.ts';
import type { Expectation, Store } from '../store/store.ts';
import type { JoinToken } from './join-token.ts';

const API_VERSION = 'internal.weft.mesh/v1';
const TOKEN_KIND = 'JoinToken';
const ENROLLMENT_KIND = 'Enrollment';

/** Who a workload is allowed to be, from the token that let it in. Ends when its last SVID has expired. */
export interface Enrollment {
  readonly namespace: string;
  readonly workload: string;
  readonly service: string;
  readonly account: string;
  readonly tokenId: string;
  /** End of the newest SVID, milliseconds since the Unix epoch. */
  readonly notAfter: number;
}

/** A record and the revision that it was read at. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: string;
}

export class IdentityRecords {
  readonly #store: Pick<Store, 'get' | 'list' | 'commit'>;

  constructor(store: Pick<Store, 'get' | 'list' | 'commit'>) {
    this.#store = store;
  }

  async addToken(token: JoinToken): Promise<void> {
    const key = tokenKey(token.id);
    await this.#store.commit([{ key, value: wrap(key, token) }], [{ key, resourceVersion: '' }]);
  }

  token(id: string): Promise<Versioned<JoinToken> | null> {
    return this.#read<JoinToken>(tokenKey(id));
  }

  async tokens(): Promise<readonly JoinToken[]> {
    const { items } = await this.#store.list(TOKEN_KIND);
    return items.map((item) => item.spec as JoinToken);
  }

  async removeToken(id: string): Promise<void> {
    await this.#store.commit([{ key: tokenKey(id), value: null }], []);
  }

  enrollment(namespace: string, workload: string): Promise<Versioned<Enrollment> | null> {
    return this.#read<Enrollment>(enrollmentKey(namespace, workload));
  }

  async enrollments(): Promise<readonly Enrollment[]> {
    const { items } = await this.#store.list(ENROLLMENT_KIND);
    return items.map((item) => item.spec as Enrollment);
  }

  async removeEnrollment(namespace: string, workload: string): Promise<void> {
    await this.#store.commit([{ key: enrollmentKey(namespace, workload), value: null }], []);
  }

  /**
   * Counts one use of the token and records the enrolment, both or nothing. False when either changed since it was
   * read. `before` is the enrolment that this one replaces; null when there is none.
   */
  redeem(token: Versioned<JoinToken>, before: Versioned<Enrollment> | null, enrollment: Enrollment): Promise<boolean> {
    const key = tokenKey(token.value.id);
    const next = { ...token.value, used: token.value.used + 1 };
    return this.#swap(
      [{ key, value: wrap(key, next) }, enrollmentChange(enrollment)],
      [{ key, resourceVersion: token.version }, enrollmentExpectation(enrollment, before)],
    );
  }

  /** False when the enrolment changed since it was read. */
  renew(before: Versioned<Enrollment>, enrollment: Enrollment): Promise<boolean> {
    return this.#swap([enrollmentChange(enrollment)], [enrollmentExpectation(enrollment, before)]);
  }

  async #swap(changes: Parameters<Store['commit']>[0], expect: readonly Expectation[]): Promise<boolean> {
    try {
      await this.#store.commit(changes, expect);
      return true;
    } catch (error) {
      const raced = ['conflict', 'already-exists', 'not-found'] as const;
      if (raced.some((code) => isWeftError(error, code))) return false;
      throw error;
    }
  }

  async #read<T>(key: Key): Promise<Versioned<T> | null> {
    const found = await this.#store.get(key);
    return found === null ? null : { value: found.spec as T, version: found.metadata.resourceVersion ?? '' };
  }
}

function enrollmentChange(enrollment: Enrollment): { key: Key; value: Resource } {
  const key = enrollmentKey(enrollment.namespace, enrollment.workload);
  return { key, value: wrap(key, enrollment) };
}

function enrollmentExpectation(enrollment: Enrollment, before: Versioned<Enrollment> | null): Expectation {
  return { key: enrollmentKey(enrollment.namespace, enrollment.workload), resourceVersion: before?.version ?? '' };
}

function tokenKey(id: string): Key {
  return { kind: TOKEN_KIND, namespace: '', name: id };
}

function enrollmentKey(namespace: string, workload: string): Key {
  return { kind: ENROLLMENT_KIND, namespace, name: workload };
}

function wrap(key: Key, spec: unknown): Resource {
  return { apiVersion: API_VERSION, kind: key.kind, metadata: { namespace: key.namespace, name: key.name }, spec };
}
