/** The Runtime of a real process: thin, over Node's public API. */
import { ChunkPool } from '../../core/chunk-pool.ts';
import { type Log, silentLog } from '../../core/log.ts';
import { Turn } from '../../core/output.ts';
import type { Runtime } from '../../core/runtime.ts';
import { nodeClock } from './clock.ts';
import type { ConnectionContext } from '../../core/base-connection.ts';
import { nodeFiles } from './files.ts';
import { cpuMs } from './cpu.ts';
import { memoryShare } from './memory.ts';
import { createNodeNet } from './net.ts';
import { nodeRandom } from './random.ts';
import { createNodeRpc } from './rpc/rpc.ts';
import { type SocketKind, streamKind } from './socket-kind.ts';

export interface NodeRuntimeOptions {
  /** For what has no caller to tell: accept errors. Default: silent. */
  readonly log?: Log;
  /** Default: those on public streams. */
  readonly sockets?: SocketKind;
  /**
   * Told of what a handler or an end-of-turn task threw, after its connection was destroyed. Default: thrown again
   * outside of all handlers, which ends the process unless somebody catches it there.
   */
  readonly onHandlerError?: (error: unknown) => void;
}

export function createNodeRuntime(options: NodeRuntimeOptions = {}): Runtime {
  const report = options.onHandlerError ?? throwLater;
  const turn = new Turn((run) => void setImmediate(run), report);
  const context: ConnectionContext = { turn, chunks: new ChunkPool(), report };
  return {
    clock: nodeClock,
    random: nodeRandom,
    net: createNodeNet(context, options.log ?? silentLog, options.sockets ?? streamKind),
    rpc: createNodeRpc(context, options.log ?? silentLog),
    files: nodeFiles,
    endOfTurn: (run) => turn.after(run),
    memoryShare,
    cpuMs,
  };
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
