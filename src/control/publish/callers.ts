/** What a service beside discovery asks of the publisher about the proxy that calls it. */
import type { RpcStatus } from '../../core/runtime.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import type { GuardedStream } from './guarded-stream.ts';
import type { ProxyStatus } from './proxy-stream.ts';
import type { StreamEnding } from './stream-endings.ts';
import type { ProxyNode } from './views.ts';

export interface Callers {
  /** Who calls, by its certificate, with which what it says of itself must agree. A status refuses it, and was counted. */
  identify(stream: GuardedStream, said: Node | undefined): ProxyNode | RpcStatus;
  /** Counts the ending and says what the client sees of it. */
  ending(reason: StreamEnding, message: string): RpcStatus;
  /** null while it is not connected to discovery. */
  proxy(nodeId: string): ProxyStatus | null;
}
