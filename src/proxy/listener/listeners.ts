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
  readonly active: ActiveListener;
  /** By the address that was asked for; its own comes first. None: it is internal, or others hand over to it. */
  readonly sockets: Map<string, Listener>;
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

  /** Where each listener that has a socket is bound, with its real port, and where else. */
  get addresses(): readonly { readonly name: string; readonly address: Address; readonly more: readonly Address[] }[] {
    return [...this.#bound.values()].flatMap(({ active, sockets }) => {
      const [address, ...more] = [...sockets.values()].map((socket) => socket.address);
      return address === undefined ? [] : [{ name: active.name, address, more }];
    });
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
      known?.active.update(config);
      const bound = known ?? {
        active: new ActiveListener(config, this.#world, (address) => this.#serving(address)),
        sockets: new Map<string, Listener>(),
      };
      try {
        await this.#open(bound, config);
        this.#bound.set(key, bound);
      } catch (error) {
        // Its own address is there: the others are tried again.
        if (bound.sockets.size > 0) this.#bound.set(key, bound);
        failures.push({ listener: config.name, reason: messageOf(error) });
        this.#world.router.log.error('listener not bound', { listener: config.name, reason: messageOf(error) });
      }
    }
    this.#places = new Map(
      [...this.#bound.values()].flatMap(({ active, sockets }) => {
        const bound = [...sockets.values()].map((socket) => socket.address);
        const places = bound.length > 0 ? bound : addressesOf(active.config);
        return places.map((address) => [`${address.host}:${address.port}`, active] as const);
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

  /** Sockets of all its addresses, no more and no fewer. Rejects at the first that cannot be had. */
  async #open({ active, sockets }: Bound, config: ListenerConfig): Promise<void> {
    const { internals, runtime } = this.#world.router;
    if (config.address === null) {
      internals.register(config.name, active.accept);
      return;
    }
    const wanted = new Map(config.isBound ? addressesOf(config).map((at, i) => [placeOf(at, i), at]) : []);
    for (const [place, socket] of [...sockets]) {
      if (wanted.has(place)) continue;
      sockets.delete(place);
      await this.#close(socket);
    }
    for (const [place, at] of wanted) {
      if (sockets.has(place)) continue;
      const socket = await runtime.net.listen(at, active.accept);
      this.#world.own.add(socket.address);
      sockets.set(place, socket);
    }
  }

  async #unbind(key: string, { active, sockets }: Bound): Promise<void> {
    this.#bound.delete(key);
    if (active.config.address === null) this.#world.router.internals.unregister(active.name, active.accept);
    for (const socket of sockets.values()) await this.#close(socket);
    sockets.clear();
  }

  #close(socket: Listener): Promise<void> {
    this.#world.own.remove(socket.address);
    return socket.close();
  }
}

function addressesOf({ address, moreAddresses }: ListenerConfig): readonly Address[] {
  return address === null ? [] : [address, ...moreAddresses];
}

/** Each address that asks for a free port has one of its own. */
function placeOf({ host, port }: Address, index: number): string {
  return port === 0 ? `${host}:0 ${index}` : `${host}:${port}`;
}

function keyOf({ address, name, isBound }: ListenerConfig): string {
  if (address === null) return `internal:${name}`;
  if (!isBound) return `unbound ${address.host}:${address.port}`;
  // Each of those that ask for a free port has one of its own.
  return `${address.host}:${address.port === 0 ? `0 ${name}` : address.port}`;
}
