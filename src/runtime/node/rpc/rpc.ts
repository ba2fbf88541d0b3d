/** RPC of tests and tools: gRPC framing on `node:http2`, behind the Rpc seam. Programs have `xds/rpc`, a third as large. */
import type { Log } from '../../../core/log.ts';
import type { Rpc } from '../../../core/runtime.ts';
import type { ConnectionContext } from '../../../core/base-connection.ts';
import { RpcClient } from './client.ts';
import { serveRpc } from './server.ts';

export function createNodeRpc(context: ConnectionContext, log: Log): Rpc {
  const client = new RpcClient(context);
  return {
    serve: (at, tls, accept, maxMessageBytes) => serveRpc(context, log, at, tls, accept, maxMessageBytes),
    open: (target, path, handler) => client.open(target, path, handler),
  };
}
