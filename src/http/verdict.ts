/** What a filter says of an exchange. Its own file, because the exchange and the filter both speak of it. */
export const CONTINUE = 0;
/** `resume` or `reply` follows, once. */
export const SUSPENDED = 1;
export const REPLIED = 2;
export type Verdict = typeof CONTINUE | typeof SUSPENDED | typeof REPLIED;
