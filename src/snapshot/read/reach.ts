/** What of this machine the formats of a configuration may show. */
import { hostname } from 'node:os';
import type { Reach } from '../format/operator.ts';
import type { Terms } from './terms.ts';

const HOSTNAME = hostname();

/** Of whoever may not see the environment: it is the application's as well, and there are secrets in it. */
export const NARROW_REACH: Reach = { hostname: HOSTNAME, environment: null };

const OWN_REACH: Reach = { hostname: HOSTNAME, environment: process.env };

export function reachOf(terms: Terms): Reach {
  return terms.tls === 'own' ? OWN_REACH : NARROW_REACH;
}
