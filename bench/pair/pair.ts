/** The pair of sidecars beside HAProxy's, and beside another build of Weft when one is named. */
import { join } from 'node:path';
import { freePort } from '../free-port.ts';
import type { BenchOptions } from '../options.ts';
import type { Report } from '../report.ts';
import { startHaproxyPair } from './haproxy.ts';
import { measurePairs } from './measure.ts';
import type { Target } from './target.ts';
import { startWeftPair } from './weft.ts';

export async function benchPair(folder: string, options: BenchOptions, report: Report): Promise<void> {
  const port = await freePort();
  const targets: Target[] = [await startWeftPair('weft', join(folder, 'weft'), options.bundle, port)];
  if (options.beside !== null) {
    targets.push(await startWeftPair('beside', join(folder, 'beside'), options.beside, await freePort()));
  }
  targets.push(
    await startHaproxyPair(join(folder, 'haproxy'), {
      out: await freePort(),
      inner: await freePort(),
      backend: port,
    }),
  );
  const { connections, rounds, seconds, warmup } = options;
  const requests = join(import.meta.dirname, 'requests.lua');
  await measurePairs(targets, { connections, rounds, seconds, warmup, requests }, report);
}
