/**
 * RPC on the HTTP/2 that the proxy has anyway: node:http2 would cost every sidecar a tenth of its start, and the control
 * plane half of its memory for each of them. A stream has a connection of its own, which ends with it.
 */
import type { Log } from '../../core/log.ts';
import type { Rpc, RpcCaller } from '../../core/runtime.ts';
import type { HandshakeQueueParts } from './handshake-queue.ts';
import { RpcCall, type RpcParts } from './rpc-call.ts';
import { type ServerMetrics, serveMeshRpc, serveRpc } from './rpc-server.ts';

export function rpcOverHttp2(parts: RpcParts): RpcCaller {
  return { open: (target, path, handler) => new RpcCall(parts, target, path, handler) };
}

/** With its serving end. */
export function servingRpcOverHttp2(parts: RpcParts & HandshakeQueueParts & ServerMetrics, log: Log): Rpc {
  return {
    ...rpcOverHttp2(parts),
    serve: (at, tls, accept, maxMessageBytes) =>
      tls === null
        ? serveRpc(parts, log, at, accept, maxMessageBytes)
        : serveMeshRpc(parts, log, at, tls, accept, maxMessageBytes),
  };
}
