/** What of a policy holds for connections of raw bytes, besides their cluster: the address of a caller is all that can be hashed. */
import { create } from '@bufbuild/protobuf';
import type { Reader } from '../../../api/reader.ts';
import { HashPolicySchema } from '../../../protos/gen/envoy/type/v3/hash_policy_pb.ts';
import type { TcpDraft } from '../../policy-kind.ts';
import { backendTraffic } from '../views.ts';

export function compileTcp({ message, backends, origins }: TcpDraft, read: Reader): void {
  for (const backend of backends) {
    const { sections, origins: from } = read.view(backendTraffic, backend);
    const sources = sections.loadBalancing?.hashOn ?? [];
    if (!sources.some(({ type }) => type === 'SourceAddress')) continue;
    if (from.loadBalancing !== undefined) origins.push(from.loadBalancing);
    message.hashPolicy = [create(HashPolicySchema, { policySpecifier: { case: 'sourceIp', value: {} } })];
  }
}
