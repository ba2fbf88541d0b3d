import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CONTENT_TYPE, FieldName } from '../field-name.ts';
import { Head } from '../head.ts';
import { isGrpcCall } from './content.ts';
import { grpcStatusIn, grpcStatusOfHttp, isGrpcFailure } from './status.ts';
import { grpcTimeoutMs, setGrpcTimeout } from './timeout.ts';

function call(contentType: string, fields: Record<string, string> = {}, method = 'POST'): Head {
  const head = Head.request(method, '/shop.Catalog/Get', 'catalog');
  head.appendText(CONTENT_TYPE, contentType);
  for (const [name, value] of Object.entries(fields)) head.appendText(new FieldName(name), value);
  return head;
}

test('a call is known by its content type', () => {
  for (const type of ['application/grpc', 'application/grpc+proto', 'Application/GRPC', 'application/grpc;x=1']) {
    assert.equal(isGrpcCall(call(type)), true, type);
  }
  assert.equal(isGrpcCall(call('application/grpc-web+proto')), true);
  for (const type of ['application/grp', 'application/grpcurl', 'application/json', 'text/grpc', '']) {
    assert.equal(isGrpcCall(call(type)), false, type);
  }
  assert.equal(isGrpcCall(call('application/grpc', {}, 'GET')), false);
  assert.equal(isGrpcCall(Head.request('POST', '/', 'a')), false);
});

test('a timeout reads back, whatever its unit, and never grows on its way', () => {
  const read = (text: string): number => grpcTimeoutMs(call('application/grpc', { 'grpc-timeout': text }));
  assert.deepEqual(['1H', '2M', '3S', '4m', '5000u', '6000000n'].map(read), [3_600_000, 120_000, 3_000, 4, 5, 6]);
  for (const text of ['', 'S', '1', '1s', '-1S', '1.5S', '123456789S', '1 S', '+1S'])
    assert.equal(read(text), -1, text);
  assert.equal(grpcTimeoutMs(call('application/grpc')), -1);
  fc.assert(
    fc.property(fc.double({ min: 0, max: 99_999_999_000, noNaN: true }), (timeoutMs) => {
      const head = call('application/grpc', { 'grpc-timeout': '1H' });
      setGrpcTimeout(head, timeoutMs);
      const read = grpcTimeoutMs(head);
      assert.ok(read <= timeoutMs && read > timeoutMs - (timeoutMs > 99_999_999 ? 1_000 : 1), `${timeoutMs} → ${read}`);
    }),
  );
});

test('a status is one of those that gRPC knows, or unknown; what the callee did wrong counts as its failure', () => {
  const read = (text: string): number => {
    const trailers = new Head();
    trailers.appendText(new FieldName('grpc-status'), text);
    return grpcStatusIn(trailers);
  };
  for (let status = 0; status <= 16; status++) assert.equal(read(String(status)), status);
  for (const text of ['17', '99', '', '-1', 'x', '1x', '014', '0.0']) assert.equal(read(text), 2, text);
  assert.equal(grpcStatusIn(new Head()), -1);
  const failures = Array.from({ length: 18 }, (_, i) => i - 1).filter(isGrpcFailure);
  assert.deepEqual(failures, [2, 4, 13, 14, 15]);
  assert.deepEqual(
    [200, 400, 401, 403, 404, 429, 500, 502, 503, 504].map(grpcStatusOfHttp),
    [0, 13, 16, 7, 12, 14, 2, 14, 14, 14],
  );
});
