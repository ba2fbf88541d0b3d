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
import type { Listener } from '../../../xds/tables/messages.gen.ts';
import { AddressTable, SocketAddressTable } from '../../../xds/tables/tables.gen.ts';
import { encode } from '../../../xds/wire/encode.ts';
import { create, KIND, Table } from '../../../xds/wire/table.ts';
import { vipListenerName } from '../names.ts';
import { joinMessages } from '../resource.ts';
import { servicePortFacts } from '../service-port.ts';
import { type ListenerKey, listenerKeyText, portListenerMessage } from './outbound.ts';

export interface VipTemplate {
  readonly name: string;
  /** The bytes of a Listener without its name and address. */
  readonly rest: Uint8Array;
  readonly restVersion: string;
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
    const rest = toBinary(ListenerSchema, message);
    return { name: vipListenerName(key), rest, restVersion: contentVersion(rest), origins };
  },
  same: (a, b) =>
    a === b || (a !== null && b !== null && a.origins.length === b.origins.length && a.restVersion === b.restVersion),
};

/** `previous`: the listener of this name that the proxy had, which is kept where it is equal. */
export function vipListener(template: VipTemplate, vip: WorkloadVip, previous?: XdsResource): XdsResource {
  return previous instanceof VipListener && previous.isOf(template, vip) ? previous : new VipListener(template, vip);
}

/** Its bytes are made when they are sent: kept, they would be most of what the control plane knows of a proxy. */
class VipListener implements XdsResource {
  readonly template: VipTemplate;
  readonly vip: WorkloadVip;
  readonly version: string;
  readonly size: number;

  constructor(template: VipTemplate, vip: WorkloadVip) {
    this.template = template;
    this.vip = vip;
    const head = this.#head();
    this.version = contentVersion(joinMessages([head, Buffer.from(template.restVersion)]));
    this.size = head.length + template.rest.length;
  }

  isOf(template: VipTemplate, { address, vipPort }: WorkloadVip): boolean {
    return this.template === template && this.vip.address === address && this.vip.vipPort === vipPort;
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
    return joinMessages([this.#head(), this.template.rest]);
  }

  #head(): Uint8Array {
    const { address, vipPort } = this.vip;
    const socket = create(SocketAddressTable, { address, portSpecifier: { case: 'portValue', value: vipPort } });
    return encode(ListenerHead, { name: this.name, address: { address: { case: 'socketAddress', value: socket } } });
  }
}

const ListenerHead = new Table<Pick<Listener, 'name' | 'address'>>('envoy.config.listener.v3.Listener', () => [
  [1, 'name', KIND.string],
  [2, 'address', KIND.message, 'optional', () => AddressTable],
]);
