/**
 * The loopback address of a Service, for one workload. Thousands of these differ in nothing but the address, so all but
 * that is encoded once, and each is put together from bytes.
 */
import { create, toBinary } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import type { WorkloadVip } from '../../../api/kinds/workload.ts';
import type { Origin } from '../../../api/resource.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { xdsResource } from '../../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { vipListenerName } from '../names.ts';
import { joinMessages } from '../resource.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { servicePortFacts } from '../service-port.ts';
import { portListenerMessage } from './outbound.ts';
import { socketAddress } from './socket-address.ts';

export interface VipTemplate {
  readonly name: string;
  /** The bytes of a Listener without its name and address. */
  readonly rest: Uint8Array;
  readonly origins: readonly Origin[];
}

export interface VipKey extends CallerPortKey {
  /** Clusters come when they are first used. */
  readonly onDemand: boolean;
}

/** null when there is no such port. */
export const vipTemplate: View<VipKey, VipTemplate | null> = {
  name: 'vip-template',
  id: (key) => `${vipListenerName(key)} for ${key.caller}${key.onDemand ? ' on demand' : ''}`,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const { message, origins } = portListenerMessage(read, '', {}, key, facts.protocol, key.onDemand);
    return { name: vipListenerName(key), rest: toBinary(ListenerSchema, message), origins };
  },
  same: (a, b) =>
    a === b ||
    (a !== null && b !== null && a.origins.length === b.origins.length && Buffer.compare(a.rest, b.rest) === 0),
};

export function vipListener({ name, rest, origins }: VipTemplate, { address, vipPort }: WorkloadVip): XdsResource {
  const head = toBinary(ListenerSchema, create(ListenerSchema, { name, address: socketAddress(address, vipPort) }));
  return xdsResource(TYPE_URLS.listener, name, joinMessages([head, rest]), origins);
}
