/** The control plane of `weft dev`: a `weft up` of its own, on free ports, that may be killed and brought back by hand. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WeftError } from '../../core/errors.ts';
import { readAdminFile } from '../mesh/admin-file.ts';
import { type Child, endText, startChild } from './child.ts';
import type { Say } from './supervised.ts';

const START_MS = 15_000;
const LOOK_MS = 30;
const GRACE_MS = 5_000;

export interface ControlPlaneChild {
  readonly pid: number;
  /** Set when it ended and was not asked to. */
  readonly gone: () => string | null;
  stop(): Promise<void>;
}

/** Resolves when it listens. Throws `unavailable` when it does not come up, with its own words. */
export async function startControlPlane(
  stateDir: string,
  environment: Readonly<Record<string, string | undefined>>,
  say: Say,
): Promise<ControlPlaneChild> {
  const words = ['up', '--state-dir', stateDir, '--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0', '-o', 'json'];
  const lines: string[] = [];
  let up = false;
  const child = startChild({ words, cwd: process.cwd(), env: environment }, (line) => {
    if (line.startsWith('{"server":')) up = true;
    else if (up) say('weft', line);
    else lines.push(line);
  });
  let end: string | null = null;
  void child.ended.then((how) => {
    end = endText(how);
  });
  await waitUntil(() => up || end !== null);
  if (!up) {
    await child.end(0);
    throw new WeftError('unavailable', {
      what: `the control plane did not start: ${lines.at(-1) ?? end ?? 'no answer'}`,
      where: stateDir,
      hint: lines.slice(0, -1).join(' · '),
    });
  }
  readAdminFile(stateDir);
  return { pid: child.pid, gone: () => end, stop: () => stop(child) };
}

async function waitUntil(done: () => boolean): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!done() && performance.now() < deadline) await sleep(LOOK_MS);
}

async function stop(child: Child): Promise<void> {
  await child.end(GRACE_MS);
}
