/**
 * One resource under one patch, derived once for all proxies of a kind that have both. For Weft's own proxy the result is
 * read as that proxy would read it: what it would refuse is not sent.
 */
import type { ProxyKind } from '../../../api/kinds/workload.ts';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import type { Origin } from '../../../api/resource.ts';
import { FILTER_MODULES } from '../../../filters/all.ts';
import type { ReadEntry } from '../../../policies/xds-patch/apply-entry.ts';
import { patchBytes } from '../../../policies/xds-patch/patch-resource.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../../snapshot/apply.ts';
import { xdsResource } from '../../../xds/content-version.ts';
import type { XdsResource } from '../../../xds/resource.ts';
import type { CompiledPatch } from './compiled-patches.ts';
import { hostsOf, isForResource } from './resource-match.ts';

export interface PatchedKey {
  readonly resource: XdsResource;
  readonly patch: CompiledPatch;
  readonly proxy: ProxyKind;
}

export interface PatchedResource {
  /** The same object when nothing of the patch is for it; null: removed. */
  readonly resource: XdsResource | null;
  /** Why the patch cannot be; empty: it can. */
  readonly problem: string;
}

export const patchedResource: View<PatchedKey, PatchedResource> = {
  name: 'patched-resource',
  id: ({ resource, patch, proxy }) =>
    `${resource.type} ${resource.name} ${resource.version} ${resource.origins.length} by ${patch.id} for ${proxy}`,
  derive(_, { resource, patch, proxy }) {
    const entries = patch.entries
      .filter((each) => isForResource(each, patch.resource, resource))
      .map((each) => ({ ...each, ...hostsIn(each, patch, resource) }));
    const patched = patchBytes(resource.type, resource.bytes, entries);
    if (patched.kind === 'same') return { resource, problem: '' };
    if (patched.kind === 'refused') return { resource, problem: `${pathOf(patched.by, patch)}: ${patched.reason}` };
    if (patched.kind === 'removed') return { resource: null, problem: '' };
    const { type, name, origins } = resource;
    const next = xdsResource(type, name, patched.bytes, [
      ...origins,
      ...patched.by.map((each) => entryOrigin(each, patch)),
    ]);
    return { resource: next, problem: unreadable(next, proxy) };
  },
  same: (a, b) => a.resource === b.resource && a.problem === b.problem,
};

/** What Weft's own proxy would say to it; empty: nothing, or it is for another kind. */
export function unreadable(resource: XdsResource, proxy: ProxyKind): string {
  if (proxy !== 'weft') return '';
  const { type, name, version, bytes } = resource;
  const delta = { type, changed: [{ type, name, version, bytes }], removed: [] };
  const [refusal] = applyDelta(EMPTY_SNAPSHOT, delta, FILTER_MODULES).refused;
  return refusal === undefined ? '' : `Weft’s proxy would refuse it: ${refusal.reason}`;
}

export function entryOrigin(each: ReadEntry, { resource, entries }: CompiledPatch): Origin {
  return originOf(resource, `spec.patches[${entries.findIndex(({ entry }) => entry === each.entry)}]`);
}

function hostsIn(each: ReadEntry, { resource: patch }: CompiledPatch, { name }: XdsResource): { hosts?: RegExp } {
  const hosts = hostsOf(each, patch, name);
  return hosts === undefined ? {} : { hosts };
}

function pathOf(each: ReadEntry, patch: CompiledPatch): string {
  return entryOrigin(each, patch).path;
}
