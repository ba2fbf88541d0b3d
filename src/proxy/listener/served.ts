/** A connection that a listener serves, as far as draining is concerned. */
export interface Served {
  /** Ends in order, when what it carries allows it. */
  drain(): void;
  /** Ends now: the time for draining is over. */
  cut(): void;
  /** Nothing is in flight. */
  readonly idle: boolean;
}
