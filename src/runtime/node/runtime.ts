/** The Runtime of a process that serves RPC, over Node's public API: of the control plane, of tests and tools. */
import { silentLog } from '../../core/log.ts';
import type { ServingRuntime } from '../../core/runtime.ts';
import { bareRuntime, createContext, type NodeRuntimeOptions } from './bare-runtime.ts';
import { createNodeRpc } from './rpc/rpc.ts';

export function createNodeRuntime(options: NodeRuntimeOptions = {}): ServingRuntime {
  const context = createContext(options);
  return { ...bareRuntime(options, context), rpc: createNodeRpc(context, options.log ?? silentLog) };
}
