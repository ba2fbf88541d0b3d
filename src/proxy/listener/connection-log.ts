/**
 * The access log of a listener: a line for each connection that ends, and for each that no filter chain takes. What an
 * exchange has to say stands in the log of its manager; here a connection of HTTP says whence, whither and how long.
 */
import type { Clock, ConnectionInfo } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { AccessLogConfig } from '../../snapshot/access-log-config.ts';
import type { Place } from '../router/downstream.ts';
import { RelayFacts, type RelayRecord } from '../router/relay-facts.ts';
import type { RouterWorld } from '../router/router-world.ts';
import type { Served } from './served.ts';

interface Entry {
  readonly record: RelayRecord;
  readonly connectionId: number;
  readonly place: Place;
}

export class ConnectionLog {
  readonly #world: RouterWorld;
  readonly #open = new Map<Served, Entry>();

  constructor(world: RouterWorld) {
    this.#world = world;
  }

  /** `record`: of raw bytes the relay, which knows more. */
  begun(served: Served, record: RelayRecord, connectionId: number, place: Place): void {
    this.#open.set(served, { record, connectionId, place });
  }

  /** `logs` as they are by now; null: none. */
  ended(served: Served, logs: readonly AccessLogConfig[] | null): void {
    const entry = this.#open.get(served);
    if (entry === undefined) return;
    this.#open.delete(served);
    if (logs !== null) this.#write(logs, entry);
  }

  unmatched(connection: ConnectionInfo, place: Place, logs: readonly AccessLogConfig[]): void {
    const { logFiles, runtime } = this.#world;
    const record = new ConnectionRecord(connection, runtime.clock, 'NR');
    this.#write(logs, { record, connectionId: logFiles.nextConnection(), place });
  }

  #write(logs: readonly AccessLogConfig[], { record, connectionId, place }: Entry): void {
    const facts = new RelayFacts(this.#world, record, connectionId, place, 'NotSet');
    this.#world.logFiles.write(logs, { facts: () => facts });
  }
}

/** Of a connection that is no relay. */
export class ConnectionRecord implements RelayRecord {
  readonly bytesIn = 0;
  readonly bytesOut = 0;
  readonly retries = 0;
  readonly upstream = '';
  readonly cluster = null;
  readonly host = null;
  readonly upstreamConnection = null;
  readonly detail = '';
  readonly flag: ResponseFlag;
  readonly connection: ConnectionInfo;
  readonly startedAt: number;
  readonly #clock: Clock;

  constructor(connection: ConnectionInfo, clock: Clock, flag: ResponseFlag) {
    this.connection = connection;
    this.#clock = clock;
    this.flag = flag;
    this.startedAt = clock.now();
  }

  get durationMs(): number {
    return this.#clock.now() - this.startedAt;
  }
}
