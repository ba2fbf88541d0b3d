/** The configuration that a proxy runs on, read by the functions that the proxy reads it with. */
import { FILTER_MODULES } from '../../filters/all.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../snapshot/apply.ts';
import { joinHosts } from '../../snapshot/virtual-hosts.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import { ClientStatusResponseTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';

/** `bytes`: an envoy.service.status.v3.ClientStatusResponse with contents. Throws a WeftError for what is none. */
export function heldSnapshot(bytes: Uint8Array): Snapshot {
  const { config } = decode(ClientStatusResponseTable, bytes);
  const byType = new Map<string, ReceivedResource[]>();
  for (const { typeUrl, name, versionInfo, xdsConfig } of config.flatMap((each) => each.genericXdsConfigs)) {
    if (xdsConfig === undefined) continue;
    const resource = { type: typeUrl, name, version: versionInfo, bytes: xdsConfig.value };
    byType.set(typeUrl, [...(byType.get(typeUrl) ?? []), resource]);
  }
  let snapshot = EMPTY_SNAPSHOT;
  // What the proxy holds it has accepted: nothing is refused here.
  for (const [type, changed] of byType) {
    snapshot = applyDelta(snapshot, { type, changed, removed: [] }, FILTER_MODULES).next;
  }
  return { ...snapshot, routes: joinHosts(snapshot.routes, snapshot.virtualHosts, EMPTY_SNAPSHOT.routes) };
}
