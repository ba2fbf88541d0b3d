/** One connection before our ends, node:http2 and Python's h2. The first byte says which end reads: `s` or `c`. */
import type { FuzzTarget } from '../driver/target.ts';
import { differential } from '../h2/differential.ts';
import { H2_PIECES, requests, responses } from '../h2/grammar.ts';
import { stepsOf } from '../h2/program.ts';
import { strictReaders } from '../h2/strict-readers.ts';

// They start now: the time that an input may take is for the input.
strictReaders({ role: 'server', frames: [] });

export const target: FuzzTarget = {
  dictionary: H2_PIECES,
  covers: /src\/http\/h2\/(hpack\/)?[a-z0-9-]+\.ts$/,
  generate: (random) =>
    random.oneIn(2) ? `s${requests(random, random.oneIn(2))}` : `c${responses(random, random.oneIn(2))}`,
  run: (input) => differential(input[0] === 0x63 ? 'client' : 'server', stepsOf(input.subarray(1))),
};
