/**
 * Writes `status.parents` of HTTPRoutes and TCPRoutes: what became of each, where Gateway API's users and tools look for
 * it. It follows the index and commits only what changed, so its own writes end in silence.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Kind } from '../../api/kind.ts';
import { httpRouteKind } from '../../api/kinds/http-route.ts';
import type { RouteStatus } from '../../api/kinds/route.ts';
import { serviceKind } from '../../api/kinds/service.ts';
import { tcpRouteKind } from '../../api/kinds/tcp-route.ts';
import { type Key, keyOf, keyText, type Resource } from '../../api/resource.ts';
import type { Batch } from '../../api/source.ts';
import { messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/runtime.ts';
import type { MeshIndex } from '../index/mesh-index.ts';
import { type Finding, routeParents, type RouteParents } from './route-parents.ts';

export const CONTROLLER_NAME = 'weft.mesh/control-plane';

export type ParentStatus = NonNullable<RouteStatus['parents']>[number];
type Condition = NonNullable<ParentStatus['conditions']>[number];

export interface StatusWriter {
  /** Commits what `next` makes of the object as it is; null from `next`: nothing to write. A missing object is no error. */
  update(kind: Kind, key: Key, next: (live: Resource) => unknown): Promise<void>;
}

const ROUTES: readonly Kind[] = [httpRouteKind, tcpRouteKind];
const READ: ReadonlySet<string> = new Set([...ROUTES, serviceKind].map(({ kind }) => kind));

export class RouteStatuses {
  readonly #index: MeshIndex;
  readonly #writer: StatusWriter;
  readonly #clock: Pick<Clock, 'wall'>;
  readonly #log: Log;
  /** One pass at a time; what comes meanwhile asks for one more. */
  #pass: Promise<void> | null = null;
  #again = false;
  #closed = false;

  constructor(index: MeshIndex, writer: StatusWriter, clock: Pick<Clock, 'wall'>, log: Log) {
    this.#index = index;
    this.#writer = writer;
    this.#clock = clock;
    this.#log = log;
  }

  /** A batch that is in the index by now. */
  observe(batch: Batch): void {
    for (const { key, value } of batch.changes) {
      if (value === null && ROUTES.some(({ kind }) => kind === key.kind)) this.#index.release(routeParents, key);
    }
    if (this.#closed || !batch.changes.some(({ key }) => READ.has(key.kind))) return;
    this.#again = true;
    this.#pass ??= this.#run();
  }

  /** Resolves when nothing is written any more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#pass;
  }

  async #run(): Promise<void> {
    // Not from inside of what the index is applying; and what comes in one turn is looked at once.
    await Promise.resolve();
    while (this.#again && !this.#closed) {
      this.#again = false;
      await this.#writeAll();
    }
    this.#pass = null;
  }

  async #writeAll(): Promise<void> {
    for (const kind of ROUTES) {
      for (const route of this.#index.list(kind.kind, null)) {
        if (this.#closed) return;
        await this.#write(kind, keyOf(route));
      }
    }
  }

  async #write(kind: Kind, key: Key): Promise<void> {
    try {
      const found = this.#index.get(key) === null ? null : this.#index.read(routeParents, key);
      const now = this.#index.get(key);
      if (found === null || now === null || this.#next(now, found) === null) return;
      await this.#writer.update(kind, key, (live) => this.#next(live, found));
    } catch (error) {
      this.#log.error('the status of a route could not be written', { route: keyText(key), reason: messageOf(error) });
    }
  }

  /** null: it says so already, or the route has changed since it was looked at. */
  #next(live: Resource, { generation, parents }: RouteParents): RouteStatus | null {
    if ((live.metadata.generation ?? 0) !== generation) return null;
    const status = (live.status ?? {}) as RouteStatus;
    const before = status.parents ?? [];
    const ours = parents.map(({ parentRef, findings }): ParentStatus => {
      const last = before.find((each) => isOurs(each) && isDeepStrictEqual(each.parentRef, parentRef));
      const conditions = findings.map((finding) => this.#condition(finding, generation, last?.conditions ?? []));
      return { parentRef, controllerName: CONTROLLER_NAME, conditions };
    });
    // Other controllers report on the same route, each of its own parents.
    const next = [...before.filter((each) => !isOurs(each)), ...ours];
    return isDeepStrictEqual(next, before) ? null : { ...status, parents: next };
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

function isOurs({ controllerName }: ParentStatus): boolean {
  return controllerName === CONTROLLER_NAME;
}
