/** Responses as an upstream sends them; the first byte says to which method. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkResponse } from '../h1/check-response.ts';
import { H1_PIECES, response } from '../h1/grammar.ts';

const METHODS: Readonly<Record<string, string>> = { h: 'HEAD', c: 'CONNECT', p: 'POST' };

export const target: FuzzTarget = {
  dictionary: H1_PIECES,
  covers: /src\/http\/(h1\/)?[a-z-]+\.ts$/,
  generate: (random) =>
    random.pick(['g', 'g', 'h', 'c', 'p']) + response(random) + (random.oneIn(8) ? response(random) : ''),
  run(input, random) {
    const method = METHODS[String.fromCharCode(input[0] ?? 0)] ?? 'GET';
    return checkResponse(Buffer.from(input.subarray(1)), method, random);
  },
};
