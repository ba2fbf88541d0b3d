/** Where this proxy is, and where the others are that send to the same clusters: what zone-aware routing goes by. */
import type { Locality } from '../snapshot.ts';

export interface OwnZone {
  readonly locality: Locality;
  /** Null: callers are thought to be spread evenly over the zones. Empty: nobody can say, and zones are disregarded. */
  readonly callers: readonly CallerShare[] | null;
}

export interface CallerShare {
  readonly locality: Locality;
  /** 0 to 1; all make 1. */
  readonly share: number;
}
