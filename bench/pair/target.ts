/** A pair of proxies in front of the backend, ready for load. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pids: readonly number[];
}
