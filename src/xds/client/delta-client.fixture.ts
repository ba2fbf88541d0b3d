/** A client of one aggregated delta stream in one object, for tests of what it talks to. */
import type { TypeUrl } from '../resource.ts';
import type { Node } from '../tables/messages.gen.ts';
import { ClientResources, type ClientResourcesOptions } from './client-resources.ts';
import { DeltaStream } from './delta-stream.ts';
import type { ReceivedResource, Refusal } from './received.ts';
import type { ResourceState } from './subscription.ts';
import type { XdsStream } from './xds-stream.ts';

export class DeltaClient implements XdsStream {
  readonly resources: ClientResources;
  readonly #stream: DeltaStream;

  constructor({ node, ...options }: ClientResourcesOptions & { readonly node: Node }) {
    this.resources = new ClientResources(options);
    this.#stream = new DeltaStream(this.resources, node, () => true);
  }

  open(): void {
    this.#stream.open();
  }

  close(): void {
    this.#stream.close();
  }

  next(): Uint8Array | null {
    return this.#stream.next();
  }

  onMessage(bytes: Uint8Array): void {
    this.#stream.onMessage(bytes);
  }

  want(type: TypeUrl, names: ReadonlySet<string>): void {
    this.resources.want(type, names);
  }

  restore(resources: readonly ReceivedResource[]): readonly Refusal[] {
    return this.resources.restore(resources);
  }

  held(): readonly ReceivedResource[] {
    return this.resources.held();
  }

  states(): readonly ResourceState[] {
    return this.resources.states();
  }
}
