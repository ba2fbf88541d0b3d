/**
 * Every write of the API goes through here: plan all intents on the objects as they are now, then commit them as one,
 * on the condition that what the plan saw still holds; when it does not, plan again.
 */
import { randomUUID } from 'node:crypto';
import type { Kind } from '../../../api/kind.ts';
import type { KindRegistry } from '../../../api/registry.ts';
import { type Key, keyText, type Resource } from '../../../api/resource.ts';
import type { Change } from '../../../api/source.ts';
import { isWeftError, WeftError } from '../../../core/errors.ts';
import type { Clock } from '../../../core/runtime.ts';
import type { Expectation, Store } from '../../store/store.ts';
import type { Manager } from '../fields/managed-fields.ts';
import type { User } from '../user.ts';
import { admit, type Proposal } from './admit.ts';
import type { AdmissionRule } from './registration.ts';

export interface Intent {
  readonly kind: Kind;
  readonly key: Key;
  readonly manager: Manager;
  readonly user: User;
  /** What the caller wants of the object as it is (null: it does not exist). Throws to refuse; may run several times. */
  propose(live: Resource | null): Proposal;
}

export interface Outcome {
  readonly resource: Resource;
  readonly action: 'created' | 'configured' | 'unchanged';
}

export interface WriterOptions {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly clock: Clock;
  readonly rule: AdmissionRule;
}

/** Writers that lose this many races in a row tell the caller to try again. */
const MAX_ATTEMPTS = 8;

interface Planned {
  readonly live: Resource | null;
  readonly next: Resource;
}

export class Writer {
  readonly #options: WriterOptions;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** All intents or none. `refused` is called with each failure of planning; when it returns, planning goes on to find more. */
  async write(
    intents: readonly Intent[],
    dryRun: boolean,
    refused: (error: unknown, intent: Intent) => void,
  ): Promise<readonly Outcome[] | null> {
    for (let attempt = 1; ; attempt += 1) {
      const plan = new Map<string, Planned>();
      const expect = new Map<string, Expectation>();
      let failures = 0;
      for (const intent of namespacesFirst(intents)) {
        try {
          await this.#plan(intent, plan, expect);
        } catch (error) {
          failures += 1;
          refused(error, intent);
        }
      }
      if (failures > 0) return null;
      try {
        const revision = dryRun ? null : await this.#commit(plan, expect);
        return intents.map((intent) => outcome(plan.get(keyText(intent.key)), revision));
      } catch (error) {
        if (attempt === MAX_ATTEMPTS || !isRace(error)) throw error;
      }
    }
  }

  async #plan(intent: Intent, plan: Map<string, Planned>, expect: Map<string, Expectation>): Promise<void> {
    const { store, kinds, clock, rule } = this.#options;
    const { kind, key, manager, user } = intent;
    const id = keyText(key);
    if (plan.has(id)) throw new WeftError('invalid', { what: 'the set has an object twice', where: id });
    const live = await store.get(key);
    expect.set(id, { key, resourceVersion: live?.metadata.resourceVersion ?? '' });
    if (kind.namespaced) await this.#requireNamespace(key.namespace, plan, expect);
    const facts = { kinds, kind, key, live, manager, nowMs: clock.wall(), newUid: randomUUID };
    const next = admit(intent.propose(live), facts);
    if (next !== live) await rule(user, live, next);
    plan.set(id, { live, next });
  }

  /** The namespace is a condition of the commit too, so that nothing is created in one that is being deleted. */
  async #requireNamespace(name: string, plan: ReadonlyMap<string, Planned>, expect: Map<string, Expectation>) {
    const key: Key = { kind: 'Namespace', namespace: '', name };
    if (plan.has(keyText(key))) return;
    const found = await this.#options.store.get(key);
    if (found === null) {
      throw new WeftError('not-found', {
        what: `namespace "${name}" does not exist`,
        hint: `Create it first: a document of kind Namespace with the name ${name}`,
      });
    }
    expect.set(keyText(key), { key, resourceVersion: found.metadata.resourceVersion ?? '' });
  }

  #commit(plan: ReadonlyMap<string, Planned>, expect: ReadonlyMap<string, Expectation>): Promise<string> {
    const changes: Change[] = [];
    for (const [id, { live, next }] of plan) {
      const key = expect.get(id)?.key;
      if (next !== live && key !== undefined) changes.push({ key, value: next });
    }
    return this.#options.store.commit(changes, changes.length === 0 ? [] : [...expect.values()]);
  }
}

function namespacesFirst(intents: readonly Intent[]): readonly Intent[] {
  const isNamespace = ({ kind }: Intent) => kind.kind === 'Namespace';
  return [...intents.filter(isNamespace), ...intents.filter((intent) => !isNamespace(intent))];
}

function outcome(planned: Planned | undefined, revision: string | null): Outcome {
  if (planned === undefined) throw new WeftError('internal', { what: 'an intent was not planned' });
  const { live, next } = planned;
  if (next === live) return { resource: live, action: 'unchanged' };
  const metadata = revision === null ? next.metadata : { ...next.metadata, resourceVersion: revision };
  return { resource: { ...next, metadata }, action: live === null ? 'created' : 'configured' };
}

function isRace(error: unknown): boolean {
  return isWeftError(error, 'conflict') || isWeftError(error, 'already-exists') || isWeftError(error, 'not-found');
}
