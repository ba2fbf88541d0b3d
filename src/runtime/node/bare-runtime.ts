/**
 * The Runtime of a real process without RPC: thin, over Node's public API. What calls by RPC brings its own, so that a
 * sidecar loads one HTTP/2 and not two.
 */
import type { ConnectionContext } from '../../core/base-connection.ts';
import { ChunkPool } from '../../core/chunk-pool.ts';
import { type Log, silentLog } from '../../core/log.ts';
import { Turn } from '../../core/output.ts';
import type { Runtime } from '../../core/runtime.ts';
import { nodeClock } from './clock.ts';
import { cpuMs } from './cpu.ts';
import { nodeFiles } from './files.ts';
import { memoryShare } from './memory.ts';
import { createNodeNet } from './net.ts';
import { nodeRandom } from './random.ts';
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

export type BareRuntime = Omit<Runtime, 'rpc'>;

export function createBareRuntime(options: NodeRuntimeOptions = {}): BareRuntime {
  return bareRuntime(options, createContext(options));
}

/** What connections of one runtime share. */
export function createContext(options: NodeRuntimeOptions): ConnectionContext {
  const report = options.onHandlerError ?? throwLater;
  return { turn: new Turn((run) => void setImmediate(run), report), chunks: new ChunkPool(), report };
}

export function bareRuntime(options: NodeRuntimeOptions, context: ConnectionContext): BareRuntime {
  return {
    clock: nodeClock,
    random: nodeRandom,
    net: createNodeNet(context, options.log ?? silentLog, options.sockets ?? streamKind),
    files: nodeFiles,
    endOfTurn: (run) => context.turn.after(run),
    memoryShare,
    cpuMs,
  };
}

function throwLater(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
