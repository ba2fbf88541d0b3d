/** What a client hands on: one accepted or refused change of one type, and the resources as they came. */

export interface ReceivedResource {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  /** The message of `type`, without its Any. */
  readonly bytes: Uint8Array;
}

/** The part of one response that concerns the receiver. */
export interface XdsDelta {
  readonly type: string;
  readonly changed: readonly ReceivedResource[];
  /** Gone, or asked for and not there. */
  readonly removed: readonly string[];
}

/** A resource of the delta that was not applied; what was held under its name stays. */
export interface Refusal {
  readonly name: string;
  /** With the field path, on one line. */
  readonly reason: string;
}
