/**
 * A proxy that gets services as they are called may not have the one in question: it is made to ask for it, as the first
 * request would, so that what is explained is what that request would meet.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../../api/kinds/workload.ts';
import { connectName, keyOfOutbound } from '../../control/generate/names.ts';
import { tellAdmin } from '../edges/scrape.ts';
import type { Asked } from './question.ts';

const PATIENCE_MS = 5_000;
const LOOK_MS = 50;

/** Resolves when the proxy has it, is told that there is none, or does not say. */
export async function askFirst(workload: Workload, { listener, head }: Asked): Promise<void> {
  const key = keyOfOutbound(listener);
  if (head === null && key === null) return;
  const query =
    head === null
      ? `cluster=${encodeURIComponent(key === null ? '' : connectName(key))}`
      : `authority=${encodeURIComponent(head.authorityText)}`;
  for (let waited = 0; waited < PATIENCE_MS; waited += LOOK_MS) {
    const answer = await tellAdmin(workload, `/weft/demand?${query}`);
    if (!isWaiting(answer)) return;
    await sleep(LOOK_MS);
  }
}

function isWaiting(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && 'standing' in answer && answer.standing === null;
}
