/** Why outlier detection takes a host out, as it stands in metrics and log lines. */
export type OutlierCause =
  | 'consecutive-5xx'
  | 'consecutive-gateway'
  | 'consecutive-local-origin'
  | 'success-rate'
  | 'local-origin-success-rate'
  | 'failure-percentage'
  | 'local-origin-failure-percentage';
