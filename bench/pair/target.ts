/** A pair of proxies in front of the backend, ready for load. */
export interface Target {
  readonly name: string;
  readonly url: string;
  readonly pids: readonly number[];
  /** Of the nginx behind it, which counts its requests. */
  readonly backendPort: number;
}
