/** Ports that an AuthorizationPolicy closes because what serves there cannot answer what it asks, in the words of its status. */
import type { Workload } from '../../api/kinds/workload.ts';
import type { Resource } from '../../api/resource.ts';
import type { AuthorizationPolicy } from '../../policies/authorization/kind.ts';
import { unenforceable, unenforceableByGrpc } from '../../policies/authorization/unenforceable.ts';
import { portProtocol } from '../generate/protocol.ts';
import { isBare } from '../generate/unguarded.ts';

export function closedPorts(policy: Resource, workload: Workload): string[] {
  const { spec } = workload;
  const authorization = policy as AuthorizationPolicy;
  if (authorization.spec?.action === 'AUDIT') return [];
  const isServer = spec?.proxy === 'grpc';
  return (spec?.ports ?? []).flatMap((port) => {
    if (isBare(workload, port)) {
      return [`port ${port.port} has nothing before it that could enforce it: callers of the mesh are kept from it`];
    }
    if (!isServer && portProtocol(port) !== 'tcp') return [];
    const path = isServer ? unenforceableByGrpc(authorization, port.port) : unenforceable(authorization, port.port);
    const lacks = isServer ? 'is a gRPC server, which cannot tell' : 'carries tcp, which does not say';
    return path === null ? [] : [`port ${port.port} ${lacks} what ${path} asks for: the port is closed`];
  });
}
