/** The entries of one patch on one resource: its bytes before and after, or why the patch cannot be. Pure. */
import { create, type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { messageOf } from '../../core/errors.ts';
import { VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import { RouteConfigurationSchema } from '../../protos/gen/envoy/config/route/v3/route_pb.ts';
import { envoyTypes } from '../../protos/registry.ts';
import { applyEntry, marked, type ReadEntry } from './apply-entry.ts';
import type { Fragment } from './json.ts';
import { brokenInvariant } from './invariants.ts';
import type { PatchEntry } from './kind.ts';
import { TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import { SUBJECTS } from './subject.ts';

export type Patched =
  | { readonly kind: 'same' }
  | { readonly kind: 'removed'; readonly by: readonly ReadEntry[] }
  /** `by`: those that matched. */
  | { readonly kind: 'changed'; readonly bytes: Uint8Array; readonly by: readonly ReadEntry[] }
  | { readonly kind: 'refused'; readonly by: ReadEntry; readonly reason: string };

const OPTIONS = { registry: envoyTypes };

/** `entries`: for a resource of this type, name, direction, port and service. */
export function patchBytes(of: TypeUrl, bytes: Uint8Array, entries: readonly ReadEntry[]): Patched {
  const [first] = entries;
  if (first === undefined) return { kind: 'same' };
  // One that comes by itself is patched as one of a route configuration.
  if (of === TYPE_URLS.virtualHosts)
    return inConfiguration(patchBytes(TYPE_URLS.routes, configurationOf(bytes), entries));
  const { type } = SUBJECTS[first.entry.on];
  const schema = resourceSchema(first.entry);
  let before: Fragment;
  try {
    before = canonical(schema, toJson(schema, fromBinary(schema, bytes), OPTIONS));
  } catch (error) {
    return { kind: 'refused', by: first, reason: messageOf(error) };
  }
  let now = before;
  const by: ReadEntry[] = [];
  for (const each of entries) {
    try {
      const next = applyEntry(now, each);
      if (next === now) continue;
      by.push(each);
      if (next === null) return { kind: 'removed', by };
      now = canonical(schema, next);
    } catch (error) {
      return { kind: 'refused', by: each, reason: messageOf(error) };
    }
    const reason = brokenInvariant(type, before, now);
    if (reason !== null) return { kind: 'refused', by: each, reason };
  }
  if (by.length === 0) return { kind: 'same' };
  return { kind: 'changed', bytes: toBinary(schema, fromJson(schema, now as JsonValue, OPTIONS)), by };
}

function configurationOf(bytes: Uint8Array): Uint8Array {
  const virtualHosts = [fromBinary(VirtualHostSchema, bytes)];
  return toBinary(RouteConfigurationSchema, create(RouteConfigurationSchema, { virtualHosts }));
}

/** What stays must be one: a proxy that asked for a virtual host waits for it. */
function inConfiguration(patched: Patched): Patched {
  if (patched.kind !== 'changed') return patched;
  const { virtualHosts } = fromBinary(RouteConfigurationSchema, patched.bytes);
  const [host] = virtualHosts;
  const [by] = patched.by;
  if (host !== undefined && virtualHosts.length === 1) return { ...patched, bytes: toBinary(VirtualHostSchema, host) };
  const reason = 'a virtual host that comes on demand can be changed, and no other be added to it or it be removed';
  return by === undefined ? { kind: 'same' } : { kind: 'refused', by, reason };
}

/** A resource that a patch adds. */
export function addedBytes({ entry, fragment, origin }: ReadEntry): {
  readonly json: Fragment;
  readonly bytes: Uint8Array;
} {
  const schema = resourceSchema(entry);
  const json = canonical(schema, marked(fragment, origin));
  return { json, bytes: toBinary(schema, fromJson(schema, json as JsonValue, OPTIONS)) };
}

/** Of the resource that the subject is, or is in. */
function resourceSchema({ on }: PatchEntry): DescMessage {
  const { type } = SUBJECTS[on];
  const whole = Object.values(SUBJECTS).find((each) => type.endsWith(`.${each.schema.name}`));
  return (whole ?? SUBJECTS[on]).schema;
}

function canonical(schema: DescMessage, json: JsonValue | Fragment): Fragment {
  return toJson(schema, fromJson(schema, json as JsonValue, OPTIONS), OPTIONS) as Fragment;
}
