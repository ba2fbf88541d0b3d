/**
 * The listeners of a proxy across snapshots. An address that stays keeps its socket, whatever else of its listener
 * changes; what cannot be bound is reported and the rest goes on.
 */
import { messageOf } from '../../core/errors.ts';
import type { Address, Listener } from '../../core/runtime.ts';
import { CallbackTimer } from '../../core/timer-wheel.ts';
import type { ListenerConfig, Snapshot } from '../../snapshot/snapshot.ts';
import { ActiveListener } from './active-listener.ts';
import type { ListenerWorld } from './listener-world.ts';

const RETRY_MS = 1_000;

export interface BindFailure {
  readonly listener: string;
  readonly reason: string;
}

interface Bound {
  active: ActiveListener;
  /** null: internal. */
  readonly socket: Listener | null;
}

export class Listeners {
  readonly #world: ListenerWorld;
  /** By address, or by name for internal ones. */
  readonly #bound = new Map<string, Bound>();
  /** By where they are reached: their sockets' addresses, and those that others hand over to. */
  #places: ReadonlyMap<string, ActiveListener> = new Map();
  /** Gone from the configuration, with connections that go on for a while. */
  readonly #leaving = new Set<ActiveListener>();
  readonly #retry: CallbackTimer;
  #latest: Snapshot | null = null;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(world: ListenerWorld) {
    this.#world = world;
    this.#retry = new CallbackTimer(() => {
      if (this.#latest !== null) void this.apply(this.#latest);
    });
  }

  /** What the latest snapshot asked for and could not have. */
  failures: readonly BindFailure[] = [];

  get active(): readonly ActiveListener[] {
    return [...this.#bound.values()].map(({ active }) => active);
  }

  /** Where each listener that has a socket is bound, with its real port. */
  get addresses(): readonly { readonly name: string; readonly address: Address }[] {
    return [...this.#bound.values()].flatMap(({ active, socket }) =>
      socket === null ? [] : [{ name: active.name, address: socket.address }],
    );
  }

  /** One at a time, in the order of the calls. Resolves when every socket of the snapshot is bound or has failed. */
  apply(snapshot: Snapshot): Promise<readonly BindFailure[]> {
    this.#latest = snapshot;
    const applied = this.#queue.then(() => this.#apply(snapshot));
    this.#queue = applied;
    return applied;
  }

  /** Stops accepting and cuts what is open. */
  close(): Promise<void> {
    this.#latest = null;
    const closed = this.#queue.then(async () => {
      this.#world.router.timers.disarm(this.#retry);
      const all = [...this.#bound.entries()];
      for (const [key, bound] of all) {
        await this.#unbind(key, bound);
        bound.active.cutAll();
      }
      for (const active of this.#leaving) active.cutAll();
      this.#leaving.clear();
    });
    this.#queue = closed;
    return closed;
  }

  async #apply(snapshot: Snapshot): Promise<readonly BindFailure[]> {
    const wanted = new Map([...snapshot.listeners.values()].map((config) => [keyOf(config), config]));
    // Internal ones first: a connection that is accepted may be led to one.
    const configs = [...wanted].sort(([, a], [, b]) => Number(a.address !== null) - Number(b.address !== null));
    for (const [key, bound] of [...this.#bound]) {
      if (wanted.has(key)) continue;
      await this.#unbind(key, bound);
      bound.active.draining = true;
      bound.active.drainServed(0);
      this.#leaving.add(bound.active);
    }
    for (const active of this.#leaving) if (active.empty) this.#leaving.delete(active);
    const failures: BindFailure[] = [];
    for (const [key, config] of configs) {
      const known = this.#bound.get(key);
      if (known !== undefined) {
        known.active.update(config);
        continue;
      }
      try {
        this.#bound.set(key, await this.#bind(config));
      } catch (error) {
        failures.push({ listener: config.name, reason: messageOf(error) });
        this.#world.router.log.error('listener not bound', { listener: config.name, reason: messageOf(error) });
      }
    }
    this.#places = new Map(
      [...this.#bound.values()].flatMap(({ active, socket }) => {
        const address = socket?.address ?? active.config.address;
        return address === null ? [] : [[`${address.host}:${address.port}`, active] as const];
      }),
    );
    this.failures = failures;
    this.#world.router.telemetry.counters.gauge('weft_listeners_failed').set(failures.length);
    // Whoever holds the port may let go of it.
    if (failures.length > 0) this.#world.router.timers.arm(this.#retry, RETRY_MS);
    return failures;
  }

  /** The listener of exactly this address, else the one of all addresses with its port. */
  #serving({ host, port }: Address): ActiveListener | null {
    const everywhere = host.includes(':') ? '::' : '0.0.0.0';
    return this.#places.get(`${host}:${port}`) ?? this.#places.get(`${everywhere}:${port}`) ?? null;
  }

  async #bind(config: ListenerConfig): Promise<Bound> {
    const active = new ActiveListener(config, this.#world, (address) => this.#serving(address));
    if (!config.isBound) return { active, socket: null };
    if (config.address === null) {
      this.#world.router.internals.register(config.name, active.accept);
      return { active, socket: null };
    }
    const socket = await this.#world.router.runtime.net.listen(config.address, active.accept);
    this.#world.own.add(socket.address);
    return { active, socket };
  }

  async #unbind(key: string, bound: Bound): Promise<void> {
    this.#bound.delete(key);
    if (!bound.active.config.isBound) return;
    if (bound.socket === null) {
      this.#world.router.internals.unregister(bound.active.name, bound.active.accept);
      return;
    }
    this.#world.own.remove(bound.socket.address);
    await bound.socket.close();
  }
}

function keyOf({ address, name, isBound }: ListenerConfig): string {
  if (address === null) return `internal:${name}`;
  if (!isBound) return `unbound ${address.host}:${address.port}`;
  // Each of those that ask for a free port has one of its own.
  return `${address.host}:${address.port === 0 ? `0 ${name}` : address.port}`;
}
