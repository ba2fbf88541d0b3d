/** The Runtime of tests and tools, over Node's public API: its RPC is Node's HTTP/2, so that ours meets another one. */
import { silentLog } from '../../core/log.ts';
import type { ServingRuntime } from '../../core/runtime.ts';
import { bareRuntime, createContext, type NodeRuntimeOptions } from './bare-runtime.ts';
import { createNodeRpc } from './rpc/rpc.ts';

export function createNodeRuntime(options: NodeRuntimeOptions = {}): ServingRuntime {
  const context = createContext(options);
  return { ...bareRuntime(options, context), rpc: createNodeRpc(context, options.log ?? silentLog) };
}
