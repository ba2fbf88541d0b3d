/** A hundred endpoint changes a second, whatever the control plane makes of them: how far behind are proxies? */
import { setTimeout as sleep } from 'node:timers/promises';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { cpuMicros } from '../cpu-time.ts';
import type { Fleet } from './fleet.ts';
import { NAMESPACE, PORT, serviceName, stampedAddress } from './mesh-objects.ts';
import { monotonicMs } from './monotonic.ts';
import type { Scale, Subject } from './subject.ts';

const PER_SECOND = 100;
/** After the last change; who is not through by then did not keep up. */
const SETTLE_MS = 20_000;

export interface Sustained {
  readonly changes: number;
  /** Of each change: from its request until the last proxy that uses the service had it, or until the end of waiting. */
  readonly lagsMs: readonly number[];
  /** Of the measured core, 0–1. */
  readonly coreShare: number;
}

/** `first` is the first stamp that may be used. */
export async function sustained(
  subject: Subject,
  fleets: readonly Fleet[],
  { services, seconds }: Scale,
  first: number,
): Promise<Sustained> {
  const count = seconds * PER_SECOND;
  const serviceOf = (index: number): number => index % services;
  const last = serviceOf(count - 1);
  const stamp = stampedAddress(first + count - 1);
  const expected = { type: TYPE_URLS.endpoints, name: `${PORT}|${serviceName(last)}.${NAMESPACE}`, stamp };
  for (const fleet of fleets) fleet.noteStamps('10.100.');
  const finished = fleets.map((fleet) => fleet.expect(expected, last, seconds * 1000 + SETTLE_MS));
  for (const each of finished) each.catch(() => {});
  const sentMs: number[] = [];
  const accepted: Promise<void>[] = [];
  const cpuBefore = cpuMicros([subject.pid]);
  const startedMs = monotonicMs();
  for (let index = 0; index < count; index++) {
    const dueMs = startedMs + (index * 1000) / PER_SECOND;
    const earlyMs = dueMs - monotonicMs();
    if (earlyMs > 0) await sleep(earlyMs);
    sentMs.push(monotonicMs());
    const sending = subject.moveEndpoint(serviceOf(index), first + index);
    sending.catch(() => {});
    accepted.push(sending);
  }
  const keptUp = await Promise.all([...accepted, ...finished]).then(
    () => true,
    () => false,
  );
  const coreShare = (cpuMicros([subject.pid]) - cpuBefore) / 1000 / (monotonicMs() - startedMs);
  // The last change may overtake those before it on another proxy.
  await sleep(500);
  const endedMs = monotonicMs();
  const seen = await Promise.all(fleets.map((fleet) => fleet.stamps()));
  const lagsMs: number[] = [];
  for (const [index, sentAt] of sentMs.entries()) {
    const notes = seen.flatMap((each) => each.get(stampedAddress(first + index)) ?? []);
    const users = fleets.reduce((sum, fleet) => sum + fleet.countUsers(serviceOf(index)), 0);
    const have = notes.reduce((sum, note) => sum + note.count, 0);
    // A later change of the service may have come before this one was sent.
    const isLost = have < users && (index + services >= count || !keptUp);
    if (isLost) lagsMs.push(endedMs - sentAt);
    else if (notes.length > 0) lagsMs.push(Math.max(...notes.map(({ lastMs }) => lastMs)) - sentAt);
  }
  return { changes: count, lagsMs, coreShare };
}
