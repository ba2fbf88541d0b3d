/**
 * The calling end of RPC on the HTTP/2 that the proxy has anyway: node:http2 would cost every sidecar a tenth of its start. A stream has a connection of its own, which ends with it.
 */
import type { RpcCaller } from '../../core/runtime.ts';
import { RpcCall, type RpcParts } from './rpc-call.ts';

export function rpcOverHttp2(parts: RpcParts): RpcCaller {
  return { open: (target, path, handler) => new RpcCall(parts, target, path, handler) };
}
