/** Requests, pipelined too, as a client of the proxy sends them. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkRequest } from '../h1/check-request.ts';
import { H1_PIECES, request } from '../h1/grammar.ts';

export const target: FuzzTarget = {
  dictionary: H1_PIECES,
  covers: /src\/http\/(h1\/)?[a-z-]+\.ts$/,
  generate(random) {
    let text = '';
    for (let n = 1 + random.below(3); n > 0; n--) text += request(random);
    return text;
  },
  run: (input, random) => checkRequest(Buffer.from(input), random),
};
