/**
 * By hand: `WEFT_FUZZ_SECONDS=3600 node test/fuzz/run.ts TARGET` (default 60 s; `WEFT_FUZZ_SEED` for another way through).
 * `--input 'JSON string'` runs one input; `--keep` leaves those in the
 * corpus that reach all that was reached.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { readCorpus, writeCorpus } from './driver/corpus.ts';
import { describeFinding, distil, fuzz } from './driver/fuzz.ts';
import { Rng } from './driver/rng.ts';
import { loadTarget, targetNames } from './driver/targets.ts';

const [name = '', option, value] = process.argv.slice(2);
const names = targetNames();
if (!names.includes(name)) {
  process.stdout.write(`usage: node test/fuzz/run.ts TARGET [--keep | --input JSON]\ntargets: ${names.join(', ')}\n`);
  process.exit(2);
}
const target = await loadTarget(name);
if (option === '--input') {
  const input = Buffer.from(JSON.parse(value ?? '""') as string, 'latin1');
  for (let seed = 1; seed <= 200; seed++)
    process.stdout.write(seed === 1 ? `${target.run(input, new Rng(seed))}\n` : '');
  process.exit(0);
}
const seconds = Number(process.env['WEFT_FUZZ_SECONDS'] ?? 60);
const seed = Number(process.env['WEFT_FUZZ_SEED'] ?? Date.now() % 1_000_000_007);
process.stdout.write(`${name}: seed ${seed}, ${seconds} s\n`);
const report = fuzz(target, { seeds: readCorpus(name), forMs: seconds * 1_000, seed });
process.stdout.write(`${name}: ${report.runs} inputs, ${report.blocks} blocks, ${report.kept.length} kept\n`);
if (option === '--keep') writeCorpus(name, distil(target, report.kept));
if (report.finding !== null) {
  const { input, error } = report.finding;
  const folder = resolve(import.meta.dirname, '../../.weft/fuzz');
  mkdirSync(folder, { recursive: true });
  writeFileSync(resolve(folder, `${name}-${seed}.bin`), input);
  process.stdout.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.stdout.write(`${describeFinding(name, seed, input)}\nsaved in ${folder}\n`);
  process.exit(1);
}
