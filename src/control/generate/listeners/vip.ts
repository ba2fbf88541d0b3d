/**
 * The loopback address of a Service, for one workload. Thousands of these differ in nothing but the address, so all but
 * that is encoded once, and each is put together from bytes.
 */
import { toBinary } from '@bufbuild/protobuf';
import type { View } from '../../../api/reader.ts';
import type { WorkloadVip } from '../../../api/kinds/workload.ts';
import type { Origin } from '../../../api/resource.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { contentVersion } from '../../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { ListenerTable, SocketAddressTable } from '../../../xds/tables/tables.gen.ts';
import { encode } from '../../../xds/wire/encode.ts';
import { create } from '../../../xds/wire/table.ts';
import { vipListenerName } from '../names.ts';
import { joinMessages } from '../resource.ts';
import { servicePortFacts } from '../service-port.ts';
import { type ListenerKey, listenerKeyText, portListenerMessage } from './outbound.ts';

export interface VipTemplate {
  readonly name: string;
  /** The bytes of a Listener without its name and address. */
  readonly rest: Uint8Array;
  readonly origins: readonly Origin[];
}

/** null when there is no such port. */
export const vipTemplate: View<ListenerKey, VipTemplate | null> = {
  name: 'vip-template',
  id: listenerKeyText,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null) return null;
    const { message, origins } = portListenerMessage(read, '', {}, key, facts.protocol);
    return { name: vipListenerName(key), rest: toBinary(ListenerSchema, message), origins };
  },
  same: (a, b) =>
    a === b ||
    (a !== null && b !== null && a.origins.length === b.origins.length && Buffer.compare(a.rest, b.rest) === 0),
};

export function vipListener(template: VipTemplate, vip: WorkloadVip): XdsResource {
  return new VipListener(template, vip);
}

/** Its bytes are made when they are sent: kept, they would be most of what the control plane knows of a proxy. */
class VipListener implements XdsResource {
  readonly template: VipTemplate;
  readonly vip: WorkloadVip;
  readonly version: string;

  constructor(template: VipTemplate, vip: WorkloadVip) {
    this.template = template;
    this.vip = vip;
    this.version = contentVersion(this.bytes);
  }

  get type(): typeof TYPE_URLS.listener {
    return TYPE_URLS.listener;
  }

  get name(): string {
    return this.template.name;
  }

  get origins(): readonly Origin[] {
    return this.template.origins;
  }

  get bytes(): Uint8Array {
    const { address, vipPort } = this.vip;
    const socket = create(SocketAddressTable, { address, portSpecifier: { case: 'portValue', value: vipPort } });
    const place = { address: { case: 'socketAddress', value: socket } } as const;
    const head = encode(ListenerTable, create(ListenerTable, { name: this.name, address: place }));
    return joinMessages([head, this.template.rest]);
  }
}
