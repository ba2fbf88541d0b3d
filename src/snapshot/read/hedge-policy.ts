/** Envoy's HedgePolicy → HedgePolicy. Envoy itself reads `initial_requests` and the chance and does nothing by them. */
import type { HedgePolicy as Message } from '../../xds/tables/messages.gen.ts';
import type { HedgePolicy } from '../route-table.ts';
import { readFraction } from '../../xds/fraction.ts';
import { invalid } from './problem.ts';

/** More tries of one request at once are a load test. */
const MAX_TRIES = 5;

/** null: as if there were none. */
export function readHedgePolicy(where: string, message: Message): HedgePolicy | null {
  const initialTries = message.initialRequests ?? 1;
  if (initialTries < 1 || initialTries > MAX_TRIES) {
    throw invalid(`${where}.initial_requests`, `must be from 1 to ${MAX_TRIES}`);
  }
  const chance = message.additionalRequestChance;
  const extraChance = chance === undefined ? 0 : readFraction(`${where}.additional_request_chance`, chance);
  const onPerTryTimeout = message.hedgeOnPerTryTimeout;
  return initialTries === 1 && extraChance === 0 && !onPerTryTimeout
    ? null
    : { initialTries, extraChance, onPerTryTimeout };
}
