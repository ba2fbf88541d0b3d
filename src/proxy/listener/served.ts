/** A connection that a listener serves, as far as draining is concerned. */
export interface Served {
  /** Bytes for the client that the kernel has not taken. */
  readonly backlog: number;
  /** The next thing that it carries is its last, and says so; nothing is closed that a request may be on its way to. */
  announceEnd(): void;
  /** Ends in order: now when nothing is in flight, else after that. */
  drain(): void;
  /** Ends now. `why`: a clause, for the log. */
  cut(why: string): void;
}
