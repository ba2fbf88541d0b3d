/** What a simulated connection knows of its surroundings: the processes, and the network between them. */
import type { ConnectionContext } from '../../core/base-connection.ts';
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import type { EventQueue } from './event-queue.ts';
import type { Link } from './link.ts';
import type { SeededRandom } from './random.ts';

export type Accept = (connection: Connection) => ConnectionHandler;

export interface Process {
  /** The host's address. */
  readonly host: string;
  readonly context: ConnectionContext;
  alive: boolean;
}

export interface Medium {
  readonly events: EventQueue;
  readonly random: SeededRandom;
  /** The most bytes that one direction held at once, of any connection. */
  peakBacklogBytes: number;
  linkOf(a: string, b: string): Link;
  isCut(a: string, b: string): boolean;
  flightMs(link: Link): number;
  /** The connection has ended. */
  gone(connection: Connection): void;
}
