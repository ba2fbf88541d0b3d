/** Chunked content, in a request and in a response: both must end in the same place. */
import assert from 'node:assert/strict';
import type { FuzzTarget } from '../driver/target.ts';
import { checkRequest } from '../h1/check-request.ts';
import { checkResponse } from '../h1/check-response.ts';
import { chunks, H1_PIECES, trailers } from '../h1/grammar.ts';
import { clientSees, serverSees } from '../h1/view.ts';

const REQUEST = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
const RESPONSE = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');

export const target: FuzzTarget = {
  dictionary: [...H1_PIECES, 'ff\r\n', 'FFFFFFFF\r\n', '20000000000000\r\n', '0000', ';a="', '"\r\n', '\\'],
  covers: /src\/http\/h1\/(chunk-line|body-reader|body-writer)\.ts$/,
  generate: (random) => chunks(random) + trailers(random),
  run(input, random) {
    const request = Buffer.concat([REQUEST, input]);
    const response = Buffer.concat([RESPONSE, input]);
    const [sent] = serverSees([request]).messages;
    const { message: got } = clientSees([response], 'GET');
    assert.equal(
      got.done && got.reset === null,
      sent?.done === true && sent.reset === null,
      'whole in both or in none',
    );
    if (got.done) assert.deepEqual([got.body, got.trailers], [sent?.body, sent?.trailers]);
    return checkRequest(request, random) + checkResponse(response, 'GET', random);
  },
};
