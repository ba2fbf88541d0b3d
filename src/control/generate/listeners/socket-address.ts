/** A bound address in Envoy's form. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AddressSchema } from '../../../protos/gen/envoy/config/core/v3/address_pb.ts';

export function socketAddress(address: string, port: number): MessageInitShape<typeof AddressSchema> {
  return {
    address: { case: 'socketAddress', value: { address, portSpecifier: { case: 'portValue', value: port } } },
  };
}
