/**
 * Writes what became of routes and policies into their statuses, where Gateway API's users and tools look for it:
 * `status.parents` of routes, `status.ancestors` of policies. It follows the index and commits only what changed, so its
 * own writes end in silence.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../../api/kind.ts';
import { httpRouteKind } from '../../api/kinds/http-route.ts';
import { tcpRouteKind } from '../../api/kinds/tcp-route.ts';
import type { View } from '../../api/reader.ts';
import { type Key, keyText, type Resource } from '../../api/resource.ts';
import type { Batch, Change } from '../../api/source.ts';
import { authorizationKind } from '../../policies/authorization/policy.ts';
import { faultInjectionKind } from '../../policies/fault-injection/policy.ts';
import { peerAuthenticationKind } from '../../policies/peer-authentication/kind.ts';
import { backendTrafficKind } from '../../policies/backend-traffic/policy.ts';
import { xdsPatchKind } from '../../policies/xds-patch/policy.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/runtime.ts';
import { type MeshIndex, viewId } from '../index/mesh-index.ts';
import { closedPorts } from './closed-ports.ts';
import { faultAncestors } from './fault-ancestors.ts';
import { patchAncestors } from './patch-ancestors.ts';
import { policyAncestors } from './policy-ancestors.ts';
import type { Finding, Report } from './report.ts';
import { routeParents } from './route-parents.ts';
import { workloadPolicyAncestors } from './workload-policy-ancestors.ts';

export const CONTROLLER_NAME = 'weft.mesh/control-plane';

/** metav1.Condition. */
interface Condition extends Finding {
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

/** One of the list, which names what it is about in a field that differs by kind. */
interface Entry {
  readonly [field: string]: unknown;
  readonly controllerName: string;
  readonly conditions?: readonly Condition[];
}

type Status = Readonly<Record<string, unknown>>;

export interface StatusWriter {
  /** Commits what `next` makes of the object as it is; null from `next`: nothing to write. A missing object is no error. */
  update(kind: Kind, key: Key, next: (live: Resource) => unknown): Promise<void>;
}

/** Where in a status the reports stand, and under which name each has what it is about. */
interface Reporter {
  readonly kind: Kind;
  readonly view: View<Key, Report | null>;
  readonly list: 'parents' | 'ancestors';
  readonly ref: 'parentRef' | 'ancestorRef';
}

const REPORTERS: readonly Reporter[] = [
  { kind: httpRouteKind, view: routeParents, list: 'parents', ref: 'parentRef' },
  { kind: tcpRouteKind, view: routeParents, list: 'parents', ref: 'parentRef' },
  ofPolicy(backendTrafficKind, policyAncestors),
  ofPolicy(faultInjectionKind, faultAncestors),
  ofPolicy(
    authorizationKind,
    workloadPolicyAncestors(authorizationKind, (policy, workload) => closedPorts(policy, workload)),
  ),
  ofPolicy(
    peerAuthenticationKind,
    workloadPolicyAncestors(peerAuthenticationKind, () => []),
  ),
  ofPolicy(xdsPatchKind, patchAncestors),
];

interface Due {
  readonly reporter: Reporter;
  readonly key: Key;
}

function ofPolicy(kind: Kind, view: Reporter['view']): Reporter {
  return { kind, view, list: 'ancestors', ref: 'ancestorRef' };
}

export class Statuses {
  readonly #index: MeshIndex;
  readonly #writer: StatusWriter;
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #log: Log;
  /** All that there is to report on, by the id of its view. */
  readonly #known = new Map<string, Due>();
  /** Whose report may be another now. */
  #due = new Set<Due>();
  /** What was seen of each workload last. */
  readonly #workloads = new Map<string, { readonly spec: unknown; readonly labels: unknown }>();
  /** Object → the report that it says already: most stay as they are from one pass to the next. */
  readonly #settled = new WeakMap<Resource, Report>();
  /** One pass at a time, which goes on with what comes meanwhile. */
  #pass: Promise<void> | null = null;
  #closed = false;

  constructor(index: MeshIndex, writer: StatusWriter, clock: Pick<Clock, 'wall'>, log: Log) {
    this.#index = index;
    this.#writer = writer;
    this.#clock = clock;
    this.#log = log;
  }

  /** A batch that is in the index by now, and the ids of the views that may have changed with it. */
  observe(batch: Batch, stale: ReadonlySet<string>): void {
    if (batch.replace) {
      for (const { reporter, key } of this.#known.values()) {
        if (this.#index.get(key) === null) this.#noteObject(reporter, key, false);
      }
    }
    for (const { key, value } of batch.changes) {
      const reporter = REPORTERS.find(({ kind }) => kind.kind === key.kind);
      if (reporter !== undefined) this.#noteObject(reporter, key, value !== null);
    }
    if (this.#closed || !batch.changes.some((change) => this.#concerns(change))) return;
    for (const id of stale) {
      const due = this.#known.get(id);
      if (due !== undefined) this.#due.add(due);
    }
    if (this.#due.size > 0) this.#pass ??= this.#run();
  }

  #noteObject(reporter: Reporter, key: Key, isThere: boolean): void {
    const id = viewId(reporter.view, key);
    const known = this.#known.get(id);
    if (isThere) {
      const due = known ?? { reporter, key };
      this.#known.set(id, due);
      this.#due.add(due);
    } else if (known !== undefined) {
      this.#known.delete(id);
      this.#due.delete(known);
      this.#index.release(reporter.view, key);
    }
  }

  /** Of workloads only what policies look at: they become ready and not all day long. */
  #concerns({ key, value }: Change): boolean {
    if (key.kind !== 'Workload') return true;
    const name = keyText(key);
    const before = this.#workloads.get(name) ?? null;
    const now = value === null ? null : { spec: value.spec, labels: value.metadata.labels };
    if (now === null) this.#workloads.delete(name);
    else this.#workloads.set(name, now);
    return !isDeepStrictEqual(before, now);
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pass;
  }

  async #run(): Promise<void> {
    // Not from inside of what the index is applying; and what comes in one turn is looked at once.
    await Promise.resolve();
    const failed: Due[] = [];
    while (this.#due.size > 0) {
      const due = this.#due;
      this.#due = new Set();
      for (const each of due) {
        if (this.#closed) return;
        if (!(await this.#write(each))) failed.push(each);
      }
    }
    this.#pass = null;
    // Tried again with the next change, whatever it is.
    for (const each of failed) this.#due.add(each);
  }

  /** Whether it says what it should. */
  async #write({ reporter, key }: Due): Promise<boolean> {
    try {
      const found = this.#index.get(key) === null ? null : this.#index.read(reporter.view, key);
      const now = this.#index.get(key);
      if (found === null || now === null || this.#settled.get(now) === found) return true;
      if (this.#next(reporter, now, found) === null) this.#settled.set(now, found);
      else await this.#writer.update(reporter.kind, key, (live) => this.#next(reporter, live, found));
      return true;
    } catch (error) {
      this.#log.error('a status could not be written', { object: keyText(key), reason: messageOf(error) });
      return false;
    }
  }

  /** null: it says so already, or the object has changed since it was looked at. */
  #next({ list, ref: refField }: Reporter, live: Resource, { generation, referred }: Report): Status | null {
    if ((live.metadata.generation ?? 0) !== generation) return null;
    const status = (live.status ?? {}) as Status;
    const before = (status[list] ?? []) as readonly Entry[];
    const ours = referred.map(({ ref, findings }): Entry => {
      const last = before.find((each) => isOurs(each) && isDeepStrictEqual(each[refField], ref));
      const conditions = findings.map((finding) => this.#condition(finding, generation, last?.conditions ?? []));
      return { [refField]: ref, controllerName: CONTROLLER_NAME, conditions };
    });
    // Other controllers report on the same object, each of what is its own.
    const next = [...before.filter((each) => !isOurs(each)), ...ours];
    return isDeepStrictEqual(next, before) ? null : { ...status, [list]: next };
  }

  /** metav1.Condition: the time is of the last change of `status`, not of the text beside it. */
  #condition(finding: Finding, observedGeneration: number, before: readonly Condition[]): Condition {
    const last = before.find(({ type }) => type === finding.type);
    const lastTransitionTime =
      last?.status === finding.status
        ? last.lastTransitionTime
        : new Date(this.#clock.wall()).toISOString().replace(/\.\d+Z$/, 'Z');
    return { ...finding, observedGeneration, lastTransitionTime };
  }
}

function isOurs({ controllerName }: Entry): boolean {
  return controllerName === CONTROLLER_NAME;
}
