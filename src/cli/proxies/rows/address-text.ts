/** An address of Envoy's in one word. */
import type { Address } from '../../../protos/gen/envoy/config/core/v3/address_pb.ts';

/** Empty when there is none. */
export function addressText(address: Address | undefined): string {
  switch (address?.address.case) {
    case 'socketAddress': {
      const { address: host, portSpecifier } = address.address.value;
      const shown = host.includes(':') ? `[${host}]` : host;
      return `${shown}:${portSpecifier.case === undefined ? 0 : portSpecifier.value}`;
    }
    case 'pipe':
      return address.address.value.path;
    case 'envoyInternalAddress':
      return `listener ${address.address.value.addressNameSpecifier.value ?? ''}`;
    default:
      return '';
  }
}
