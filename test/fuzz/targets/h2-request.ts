/** Connections of a client over HTTP/2. The first byte says what the application does with its requests. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkServer } from '../h2/check-server.ts';
import { H2_PIECES, requests } from '../h2/grammar.ts';
import { framesOf } from '../h2/program.ts';
import { APP, type App } from '../h2/server-view.ts';

const APPS = Object.values(APP);

export function appOf(first: number | undefined): App {
  return APPS.find((app) => app.charCodeAt(0) === first) ?? APP.echo;
}

export const target: FuzzTarget = {
  dictionary: H2_PIECES,
  covers: /src\/http\/h2\/(hpack\/)?[a-z0-9-]+\.ts$/,
  generate: (random) => random.pick(APPS) + requests(random, random.oneIn(3)),
  run: (input, random) => checkServer(appOf(input[0]), Buffer.concat(framesOf(input.subarray(1))), random).answer,
};
