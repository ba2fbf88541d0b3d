/** Requests over HTTP/2 that go on over HTTP/1.1, one connection each. The first byte says what the application does. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkDowngrade } from '../h2/check-downgrade.ts';
import { checkServer } from '../h2/check-server.ts';
import { H2_PIECES, requests } from '../h2/grammar.ts';
import { framesOf } from '../h2/program.ts';
import { APP, type App } from '../h2/server-view.ts';
import { appOf } from './h2-request.ts';

const APPS: readonly App[] = [APP.echo, APP.echo, APP.early, APP.never];

export const target: FuzzTarget = {
  dictionary: [...H2_PIECES, '~0~~', '~content-length: 3', '|host=a', '|expect=100-continue', '|content-length=5'],
  covers: /src\/http\/(authority|token|h1\/[a-z-]+|h2\/hpack\/[a-z-]+)\.ts$/,
  generate: (random) => random.pick(APPS) + requests(random, random.oneIn(2)),
  run(input, random) {
    const { answer, view } = checkServer(appOf(input[0]), Buffer.concat(framesOf(input.subarray(1))), random);
    for (const [i, request] of view.requests.entries()) {
      const up = view.upstream[i] ?? null;
      if (up !== null) checkDowngrade(request, up);
    }
    return answer;
  },
};
