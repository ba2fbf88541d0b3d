/** What asks one server: a stream, or a poll that comes again and again. */

export interface XdsLink {
  /** The server has answered on the stream that is open now, or at the last poll. */
  readonly connected: boolean;
  /** Seconds since it was last in contact; 0 while it is. */
  readonly staleSeconds: number;
  /** Begins, or begins anew. */
  open(): void;
  /** Sends what there is to say now. */
  flush(): void;
  close(): void;
}
