/** When hosts are taken out because of how they answer: Envoy's OutlierDetection with its defaults filled in. */

export interface OutlierConfig {
  /** Of the looks at rates, and of forgiving; default 10 s. */
  readonly intervalMs: number;
  /** The n-th ejection in a row lasts n times this; default 30 s. */
  readonly baseEjectionMs: number;
  /** No ejection lasts longer, but for the jitter; default 300 s. */
  readonly maxEjectionMs: number;
  /** Up to this is added, evenly distributed, so that hosts do not all come back at once; default 0. */
  readonly ejectionJitterMs: number;
  /** 0–100 of the hosts may be out at once, but always one; 0: none. Default 10. */
  readonly maxEjectionPercent: number;
  /** Responses 5xx in a row; with `splitLocalOrigin` unset, failures without a response count too. Default 5; 0: never. */
  readonly consecutive5xx: ConsecutiveRule;
  /** 502, 503 and 504 in a row; default 5, enforced 0 %. */
  readonly consecutiveGateway: ConsecutiveRule;
  /** Connects that fail, resets, timeouts: judged by their own rules instead of as 5xx. */
  readonly splitLocalOrigin: boolean;
  /** Only with `splitLocalOrigin`; default 5. */
  readonly consecutiveLocalOrigin: ConsecutiveRule;
  readonly successRate: SuccessRateRule;
  readonly failurePercentage: FailurePercentageRule;
}

export interface ConsecutiveRule {
  readonly count: number;
  /** The chance in per cent that what is detected ejects. */
  readonly enforcingPercent: number;
}

/** Ejects what succeeds less often than `mean − factor × standard deviation` of the hosts. */
export interface SuccessRateRule {
  /** Hosts with enough requests that it takes; default 5. */
  readonly minHosts: number;
  /** Requests in an interval; default 100. */
  readonly minRequests: number;
  /** Default 1.9. */
  readonly stdevFactor: number;
  readonly enforcingPercent: number;
}

/** Ejects what fails at least this often; not enforced by default. */
export interface FailurePercentageRule {
  readonly thresholdPercent: number;
  readonly minHosts: number;
  readonly minRequests: number;
  readonly enforcingPercent: number;
}
