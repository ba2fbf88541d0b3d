/** The outcome of one check: a fact, and what to do when it is not as it should be. */

export interface Check {
  readonly state: 'ok' | 'warning' | 'failed';
  /** A clause that names what was found. */
  readonly what: string;
  /** Empty when it is well. */
  readonly hint: string;
}

export function ok(what: string): Check {
  return { state: 'ok', what, hint: '' };
}

export function warning(what: string, hint: string): Check {
  return { state: 'warning', what, hint };
}

export function failed(what: string, hint: string): Check {
  return { state: 'failed', what, hint };
}
