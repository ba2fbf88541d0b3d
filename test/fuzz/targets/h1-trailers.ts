/** Trailer sections behind chunked content. */
import type { FuzzTarget } from '../driver/target.ts';
import { checkRequest } from '../h1/check-request.ts';
import { checkResponse } from '../h1/check-response.ts';
import { H1_PIECES, trailers } from '../h1/grammar.ts';

const REQUEST = Buffer.from('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n');
const RESPONSE = Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n');

export const target: FuzzTarget = {
  dictionary: [
    ...H1_PIECES,
    'X-Sum: 1\r\n',
    'Grpc-Status: 0\r\n',
    'Authorization: x\r\n',
    'Set-Cookie: a\r\n',
    'X_Y: z\r\n',
  ],
  covers: /src\/http\/h1\/(body-reader|head-reader|scan-fields|guarded-fields|accept-head|write-head)\.ts$/,
  generate: trailers,
  run: (input, random) =>
    checkRequest(Buffer.concat([REQUEST, input]), random) +
    checkResponse(Buffer.concat([RESPONSE, input]), 'GET', random),
};
