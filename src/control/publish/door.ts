/** Where streams come in: who may, how many, to which service. Behind it are only clients with a verified certificate. */
import { Limit } from '../../core/limit.ts';
import type { PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { GuardedStream, type GuardParts } from './guarded-stream.ts';

/** Makes the handler of one stream, which speaks through the stream that it is given. */
export type Service = (stream: GuardedStream) => RpcHandler;

export class Door {
  /** Refusals of it are streams that were turned away. */
  readonly limit: Limit;
  readonly #parts: GuardParts;
  readonly #services: ReadonlyMap<string, Service>;
  readonly #streams = new Set<GuardedStream>();

  /** `services` by path. */
  constructor(parts: GuardParts, services: ReadonlyMap<string, Service>, maxStreams: number) {
    this.limit = new Limit('xds.streams', maxStreams);
    this.#parts = parts;
    this.#services = services;
  }

  accept(rpc: RpcStream, path: string, peer: PeerCertificate | null): RpcHandler | RpcStatus {
    const { metrics } = this.#parts;
    const service = this.#services.get(path);
    if (service === undefined) return metrics.end('unknown-method', `no such method: ${path.slice(0, 200)}`);
    if (peer === null) return metrics.end('no-certificate', 'a client certificate is required');
    if (!this.limit.take()) return metrics.end('too-many-streams', 'too many streams');
    const stream = new GuardedStream(rpc, peer, this.#parts, (gone) => {
      this.#streams.delete(gone);
      this.limit.give();
      metrics.streams.add(-1);
    });
    this.#streams.add(stream);
    metrics.streams.add(1);
    return stream.serve(service(stream));
  }

  /** Ends every stream. */
  close(): void {
    for (const stream of this.#streams) {
      stream.cut(this.#parts.metrics.end('shutting-down', 'the control plane is shutting down'));
    }
  }
}
