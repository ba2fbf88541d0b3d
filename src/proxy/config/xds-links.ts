/**
 * All streams of one proxy: the aggregated one from the start, and one for each type that is asked for elsewhere, opened
 * when the first name is wanted there.
 */
import type { Clock, Net, Random, RpcCaller } from '../../core/runtime.ts';
import type { Log } from '../../core/log.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { ClientResources } from '../../xds/client/client-resources.ts';
import { DeltaStream } from '../../xds/client/delta-stream.ts';
import { SotwStream } from '../../xds/client/sotw-stream.ts';
import type { Subscription } from '../../xds/client/subscription.ts';
import { type StreamProtocol, streamPath } from '../../xds/service-paths.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { ControlLink } from './control-link.ts';
import { RestLink } from './rest-link.ts';
import type { XdsLink } from './xds-link.ts';
import type { XdsChannel, XdsSources } from './xds-sources.ts';

export interface XdsLinksOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly rpc: RpcCaller;
  readonly net: Net;
  readonly timers: Timers;
  readonly log: Log;
  readonly node: Node;
  readonly sources: XdsSources;
  readonly resources: ClientResources;
  /** After each message that was taken in. */
  readonly onMessage: () => void;
  /** An attempt failed, or a stream ended. */
  readonly onDown: () => void;
}

export class XdsLinks {
  readonly #options: XdsLinksOptions;
  readonly #links: XdsLink[] = [];
  /** Subscriptions with a stream of their own. */
  readonly #linked = new Set<Subscription>();
  #started = false;

  constructor(options: XdsLinksOptions) {
    this.#options = options;
    const { ads } = options.sources;
    if (ads !== null) this.#add(ads.channel, ads.protocol, null);
  }

  /** Every server has answered on the stream that is open now. */
  get connected(): boolean {
    return this.#links.every((link) => link.connected);
  }

  /** Seconds since all servers were last in contact; 0 while they are. */
  get staleSeconds(): number {
    return Math.max(0, ...this.#links.map((link) => link.staleSeconds));
  }

  /** Opens all streams; those that are open are replaced. */
  open(): void {
    this.#started = true;
    for (const link of this.#links) link.open();
    this.flush();
  }

  /** Sends what the client has to say, opening streams to where nothing was asked before. */
  flush(): void {
    if (!this.#started) return;
    for (const subscription of this.#options.resources.subscriptions) this.#link(subscription);
    for (const link of this.#links) link.flush();
  }

  close(): void {
    for (const link of this.#links) link.close();
  }

  #link(subscription: Subscription): void {
    const { source } = subscription;
    if (source.kind === 'ads' || this.#linked.has(subscription)) return;
    const channel = this.#options.sources.channel(source.cluster);
    if (channel === null) return;
    this.#linked.add(subscription);
    const { protocol, refreshMs } = source;
    if (protocol === 'rest') {
      const link = new RestLink({ ...this.#options, channel, subscription, refreshMs });
      this.#links.push(link);
      link.open();
    } else this.#add(channel, protocol, subscription).open();
  }

  /** `only` null: the aggregated stream. */
  #add(channel: XdsChannel, protocol: StreamProtocol, only: Subscription | null): ControlLink {
    const { resources, node } = this.#options;
    const carries = (each: Subscription): boolean => (only === null ? each.source.kind === 'ads' : each === only);
    const stream =
      protocol === 'delta' ? new DeltaStream(resources, node, carries) : new SotwStream(resources, node, carries);
    const link = new ControlLink({
      ...this.#options,
      channel,
      path: streamPath(only === null ? null : only.type, protocol),
      stream,
    });
    this.#links.push(link);
    return link;
  }
}
