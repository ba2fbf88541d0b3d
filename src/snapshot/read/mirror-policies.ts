/** Envoy's `request_mirror_policies` → MirrorPolicy[], of a route, a virtual host or a whole table. */
import { FieldName } from '../../http/field-name.ts';
import type { RouteAction_RequestMirrorPolicy as Message } from '../../xds/tables/messages.gen.ts';
import { type MirrorPolicy, NO_MIRRORS } from '../mirror-policy.ts';
import { invalid, unsupported, within } from './problem.ts';
import { readShare } from './share.ts';

/** Each is one more request for every one that comes. */
const MAX_MIRRORS = 8;

/** `where` is the path of the list. Of several levels the most specific that says any counts: `above` is what others say. */
export function readMirrors(
  where: string,
  messages: readonly Message[],
  above: readonly MirrorPolicy[],
): readonly MirrorPolicy[] {
  if (messages.length === 0) return above;
  if (messages.length > MAX_MIRRORS) throw invalid(where, `more than ${MAX_MIRRORS}`);
  const mirrors = messages.map((message, i) => readMirror(`${where}[${i}]`, message));
  // What no request can be chosen for is as good as not there, and hides what others say all the same.
  return mirrors.some(({ share }) => share > 0) ? mirrors : NO_MIRRORS;
}

function readMirror(where: string, message: Message): MirrorPolicy {
  const { cluster, clusterHeader, runtimeFraction } = message;
  if (cluster !== '' && clusterHeader !== '') throw invalid(where, 'cluster and cluster_header exclude each other');
  if (cluster === '' && clusterHeader === '') throw invalid(`${where}.cluster`, 'required');
  if (message.traceSampled === false) throw unsupported(`${where}.trace_sampled`);
  if (clusterHeader.startsWith(':')) throw unsupported(`${where}.cluster_header`, 'only fields, no pseudo-headers');
  return {
    cluster,
    header: clusterHeader === '' ? null : within(`${where}.cluster_header`, () => new FieldName(clusterHeader)),
    share: readShare(`${where}.runtime_fraction`, runtimeFraction),
    keepsHost: message.disableShadowHostSuffixAppend,
  };
}
