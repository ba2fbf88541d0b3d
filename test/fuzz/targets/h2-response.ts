/** What a server sends over HTTP/2 to a GET, a POST that goes on, a HEAD and a CONNECT. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkClient } from '../h2/check-client.ts';
import { H2_PIECES, responses } from '../h2/grammar.ts';
import { framesOf } from '../h2/program.ts';

export const target: FuzzTarget = {
  dictionary: H2_PIECES,
  covers: /src\/http\/h2\/(hpack\/)?[a-z0-9-]+\.ts$/,
  generate: (random) => responses(random, random.oneIn(3)),
  run: (input, random) => checkClient(Buffer.concat(framesOf(input)), random),
};
