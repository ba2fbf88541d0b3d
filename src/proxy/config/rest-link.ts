/**
 * One type polled from a REST server of xDS (Envoy's `api_type: REST`): each answer is the state of the world. There is
 * no acknowledgement; what is refused is logged and keeps its last version.
 */
import type { Net } from '../../core/runtime.ts';
import { messageOf, WeftError } from '../../core/errors.ts';
import { CallbackTimer } from '../../core/timer-wheel.ts';
import { isDecisive } from '../../snapshot/read/decode-config.ts';
import type { ClientResources } from '../../xds/client/client-resources.ts';
import type { Refusal } from '../../xds/client/received.ts';
import { takeState } from '../../xds/client/sotw-stream.ts';
import type { Subscription } from '../../xds/client/subscription.ts';
import { restPath } from '../../xds/service-paths.ts';
import { anyTable } from '../../xds/tables/any-tables.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { DiscoveryRequestTable, DiscoveryResponseTable } from '../../xds/tables/tables.gen.ts';
import { fromJson } from '../../xds/wire/decode-json.ts';
import { toJson } from '../../xds/wire/encode-json.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import { create } from '../../xds/wire/table.ts';
import { type RestAnswer, RestCall } from './rest-call.ts';
import type { XdsLink, XdsLinkOptions } from './xds-link.ts';

const TIMEOUT_MS = 10_000;
/** Polls of many proxies must not fall into step. */
const JITTER = 0.2;

export interface RestLinkOptions extends XdsLinkOptions {
  readonly net: Net;
  readonly node: Node;
  readonly resources: ClientResources;
  readonly subscription: Subscription;
  readonly refreshMs: number;
}

export class RestLink implements XdsLink {
  readonly #options: RestLinkOptions;
  readonly #timer: CallbackTimer;
  #call: RestCall | null = null;
  #asked = '';
  #version = '';
  #answered = false;
  #lastContact: number;
  #isOpen = false;

  constructor(options: RestLinkOptions) {
    this.#options = options;
    this.#lastContact = options.clock.now();
    this.#timer = new CallbackTimer(() => this.#poll());
  }

  get connected(): boolean {
    return this.#answered;
  }

  get staleSeconds(): number {
    return this.#answered ? 0 : (this.#options.clock.now() - this.#lastContact) / 1000;
  }

  open(): void {
    this.#isOpen = true;
    this.flush();
  }

  /** Names that were not asked for are asked for at once. */
  flush(): void {
    if (!this.#isOpen || this.#call !== null || this.#names() === this.#asked) return;
    this.#options.timers.disarm(this.#timer);
    this.#poll();
  }

  close(): void {
    this.#isOpen = false;
    this.#options.timers.disarm(this.#timer);
    this.#call?.cancel();
    this.#call = null;
  }

  /** Null-terminated, so that no names are something else than one empty name. */
  #names(): string {
    return `${[...this.#options.subscription.wanted].join('\0')}\0`;
  }

  #poll(): void {
    const { subscription, channel, net, timers, node } = this.#options;
    const { type, wanted, wildcard } = subscription;
    this.#asked = this.#names();
    const target = !wildcard && wanted.size === 0 ? null : channel.target();
    if (target === null) return this.#later();
    const request = create(DiscoveryRequestTable, {
      node,
      typeUrl: type,
      versionInfo: this.#version,
      resourceNames: [...wanted],
    });
    this.#call = new RestCall({
      net,
      timers,
      target,
      authority: channel.name,
      path: restPath(type),
      body: JSON.stringify(toJson(DiscoveryRequestTable, request, anyTable)),
      timeoutMs: TIMEOUT_MS,
      done: (answer) => this.#done(answer),
    });
  }

  #done(answer: RestAnswer): void {
    const { log, clock, channel, onMessage, onDown } = this.#options;
    this.#call = null;
    try {
      if (answer.status === 200) this.#take(answer.text);
      else if (answer.status !== 304)
        throw new WeftError('unavailable', { what: `status ${answer.status} ${answer.text}` });
      this.#answered = true;
      this.#lastContact = clock.now();
      onMessage();
    } catch (error) {
      log.warn('the poll of a control plane failed', { address: channel.name, reason: messageOf(error).slice(0, 300) });
      this.#answered = false;
      onDown();
    }
    this.#later();
    this.flush();
  }

  #take(text: string): void {
    const { resources, subscription, log } = this.#options;
    const faults = new Map<number, string>();
    const response = fromJson(DiscoveryResponseTable, JSON.parse(text) as JsonValue, {
      anyTables: anyTable,
      onProblem: ({ path, kind, what }) => {
        const [field, index] = path;
        const at = path.slice(2).join('.');
        if (field !== 'resources' || typeof index !== 'number')
          throw new WeftError('invalid', { what, where: path.join('.') });
        if (kind === 'invalid' || isDecisive(`.${at}`)) faults.set(index, `${what} (${at})`);
      },
    });
    if (response.versionInfo !== '' && response.versionInfo === this.#version) return;
    const refusals: readonly Refusal[] = takeState(response, subscription, resources, faults);
    // What is refused is asked for again with the version before, and so told again until it changes.
    if (refusals.length === 0) this.#version = response.versionInfo;
    for (const { name, reason } of refusals)
      log.warn('configuration refused', { type: subscription.type, name, reason });
  }

  #later(): void {
    if (!this.#isOpen) return;
    const { timers, refreshMs, random } = this.#options;
    timers.arm(this.#timer, refreshMs * (1 + JITTER * random.next()));
  }
}
