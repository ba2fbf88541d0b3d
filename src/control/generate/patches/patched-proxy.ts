/**
 * What a proxy gets, with the patches of its namespace. Each patch comes whole or not at all: one that cannot be applied to
 * one resource of a proxy is not applied to that proxy, and the others are.
 */
import type { Workload } from '../../../api/kinds/workload.ts';
import type { Reader } from '../../../api/reader.ts';
import { messageOf } from '../../../core/errors.ts';
import { brokenAddedCluster, brokenAddedListener } from '../../../policies/xds-patch/invariants.ts';
import { textOf } from '../../../policies/xds-patch/json.ts';
import type { ReadEntry } from '../../../policies/xds-patch/apply-entry.ts';
import { addedBytes } from '../../../policies/xds-patch/patch-resource.ts';
import { SUBJECTS } from '../../../policies/xds-patch/subject.ts';
import { xdsResource } from '../../../xds/content-version.ts';
import { shortTypeName, TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../../xds/resource.ts';
import { NOTHING, resourceSet } from '../resource-set.ts';
import type { CompiledPatch } from './compiled-patches.ts';
import { isFor } from './compiled-patches.ts';
import { entryOrigin, patchedResource, unreadable } from './patched-resource.ts';
import { isWhole } from './resource-match.ts';

export interface PatchOutcome {
  readonly patch: CompiledPatch;
  /** Why this proxy has nothing of it; empty: it has it. */
  readonly problem: string;
  /** Resources that it changed, added or removed. */
  readonly resources: number;
}

export interface PatchedView {
  readonly view: XdsView;
  /** Of each patch that selects the proxy. */
  readonly outcomes: readonly PatchOutcome[];
}

const PATCHED_TYPES: readonly TypeUrl[] = [
  TYPE_URLS.listener,
  TYPE_URLS.routes,
  TYPE_URLS.virtualHosts,
  TYPE_URLS.cluster,
];

/** `previous`: as of a view that is derived again. */
export function patched(
  read: Reader,
  workload: Workload,
  generated: XdsView,
  patches: readonly CompiledPatch[],
  previous: PatchedView = { view: NOTHING, outcomes: [] },
): PatchedView {
  const mine = patches.filter((patch) => isFor(patch, workload));
  if (mine.length === 0) return { view: generated, outcomes: [] };
  const now = new Draft(generated);
  const outcomes = mine.map((patch) => now.apply(read, workload, patch));
  if (outcomes.every(({ resources }) => resources === 0)) return { view: generated, outcomes };
  return { view: resourceSet(now.resources(), previous.view), outcomes };
}

class Draft {
  #view: XdsView;

  constructor(view: XdsView) {
    this.#view = view;
  }

  *resources(): Iterable<XdsResource> {
    for (const named of this.#view.values()) yield* named.values();
  }

  apply(read: Reader, workload: Workload, patch: CompiledPatch): PatchOutcome {
    const proxy = workload.spec?.proxy ?? 'weft';
    const next = new Map(this.#view);
    let resources = 0;
    for (const type of PATCHED_TYPES) {
      const named = new Map<string, XdsResource>();
      for (const [name, resource] of this.#view.get(type) ?? []) {
        const { resource: now, problem } = read.view(patchedResource, { resource, patch, proxy });
        if (problem !== '') return { patch, problem: `${shortTypeName(type)} ${name}: ${problem}`, resources: 0 };
        if (now !== resource) resources++;
        if (now !== null) named.set(name, now);
      }
      next.set(type, named);
    }
    for (const each of patch.entries) {
      if (!isWhole(each.entry.on, each.entry.operation)) continue;
      const problem = add(next, workload, patch, each);
      if (problem !== '') return { patch, problem, resources: 0 };
      resources++;
    }
    this.#view = next;
    return { patch, problem: '', resources };
  }
}

/** Why not; empty: it is in `view` now. */
function add(
  view: Map<TypeUrl, ReadonlyMap<string, XdsResource>>,
  workload: Workload,
  patch: CompiledPatch,
  each: ReadEntry,
): string {
  const { type } = SUBJECTS[each.entry.on];
  const { path } = entryOrigin(each, patch);
  let added: ReturnType<typeof addedBytes>;
  try {
    added = addedBytes(each);
  } catch (error) {
    return `${path}: ${messageOf(error)}`;
  }
  const { json, bytes } = added;
  const name = textOf(json['name']);
  const named = view.get(type) ?? new Map<string, XdsResource>();
  const resource = xdsResource(type, name, bytes, [entryOrigin(each, patch)]);
  const fault =
    (named.has(name) ? 'there is one of this name' : null) ??
    (type === TYPE_URLS.listener
      ? brokenAddedListener(json, portsOf(workload))
      : brokenAddedCluster(json, workload.spec?.adminPort)) ??
    unreadable(resource, workload.spec?.proxy ?? 'weft');
  if (fault !== '') return `${shortTypeName(type)} ${name}: ${path}: ${fault}`;
  view.set(type, new Map(named).set(name, resource));
  return '';
}

/** Ports on which the workload's application, its proxy and its agent listen. */
function portsOf({ spec }: Workload): ReadonlySet<number> {
  const ports = (spec?.ports ?? []).flatMap(({ port, proxyPort }) => [port, proxyPort]);
  const { httpProxyPort, vips = [] } = spec?.capture ?? {};
  const all = [...ports, spec?.adminPort, httpProxyPort, ...vips.map(({ vipPort }) => vipPort)];
  return new Set(all.filter((port) => port !== undefined));
}
