/** Every target for a short time, from its corpus on. By hand: `run.ts`. */
import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readCorpus } from './driver/corpus.ts';
import { describeFinding, fuzz } from './driver/fuzz.ts';
import { Rng } from './driver/rng.ts';
import type { FuzzTarget } from './driver/target.ts';
import { loadTarget, targetNames } from './driver/targets.ts';

const SECONDS = Number(process.env['WEFT_FUZZ_SECONDS'] ?? 10);
const SEED = Number(process.env['WEFT_FUZZ_SEED'] ?? Date.now() % 1_000_000_007);

describe('what a parser promises holds for inputs that nobody thought of', () => {
  for (const name of targetNames()) {
    it(`${name}, seed ${SEED}`, { timeout: (SECONDS + 60) * 1_000 }, async () => {
      const seeds = readCorpus(name);
      assert.ok(seeds.length > 0, 'there is a corpus');
      const { finding, runs, kept } = fuzz(await loadTarget(name), { seeds, forMs: SECONDS * 1_000, seed: SEED });
      if (finding !== null) {
        throw new Error(`after ${runs} inputs: ${describeFinding(name, SEED, finding.input)}`, {
          cause: finding.error,
        });
      }
      assert.ok(runs > seeds.length && kept.length > 0);
    });
  }
});

describe('the driver', () => {
  /** Fails behind three bytes that must be found one after the other. */
  const gate: FuzzTarget = {
    dictionary: ['f', 'u'],
    covers: /fuzz\.test\.ts$/,
    generate: () => 'start',
    run: (input) => {
      if (input[0] !== 0x66) return 'no';
      if (input[1] !== 0x0d) return 'one';
      if (input[2] !== 0x75) return 'two';
      throw new Error('found');
    },
  };

  it('climbs to a failure by what it reached, makes it small, and goes the same way again', () => {
    const options = { seeds: [], forMs: 60_000, seed: 7 };
    const { finding, runs } = fuzz(gate, options);
    assert.equal(finding?.input.toString('latin1'), 'f\ru');
    assert.equal(fuzz(gate, options).runs, runs);
  });

  it('tells a finding as a command that a shell reads as it is meant', () => {
    const input = Buffer.from(`it's "$HOME" \\ \`id\` \r\n\0\xff`, 'latin1');
    const [, line = ''] = /--input (.*)$/s.exec(describeFinding('h1-request', 7, input)) ?? [];
    const read = execFileSync('sh', ['-c', `printf '%s' ${line}`], { encoding: 'utf8' });
    assert.deepEqual(Buffer.from(JSON.parse(read) as string, 'latin1'), input);
  });

  it('has randomness that repeats', () => {
    const draw = (): number[] =>
      Array.from(
        { length: 5 },
        (
          (rng) => () =>
            rng.below(100)
        )(new Rng(3)),
      );
    assert.deepEqual(draw(), draw());
  });
});
