import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRIES } from '../../test/support/proxy-snapshots.ts';
import { FieldName } from '../http/field-name.ts';
import { GRPC_STATUS } from '../http/grpc/status.ts';
import { Head } from '../http/head.ts';
import { coversRequest, isRetriableResponse, resetAfterMs } from './retriable-response.ts';
import { readRetryPolicy } from './read/retry-policy.ts';
import * as t from '../xds/tables/tables.gen.ts';
import type * as m from '../xds/tables/messages.gen.ts';
import { create } from '../xds/wire/table.ts';

function read(parts: Partial<m.RetryPolicy>): ReturnType<typeof readRetryPolicy> {
  return readRetryPolicy('retry_policy', create(t.RetryPolicyTable, parts));
}

function response(status: number, fields: Record<string, string> = {}): Head {
  const head = Head.response(status);
  for (const [name, value] of Object.entries(fields)) head.appendText(new FieldName(name), value);
  return head;
}

const present = (name: string): m.HeaderMatcher =>
  create(t.HeaderMatcherTable, { name, headerMatchSpecifier: { case: 'presentMatch', value: true } });

test('each condition covers its statuses and no other', () => {
  const covered = (retryOn: string, more: Partial<m.RetryPolicy> = {}): number[] => {
    const policy = read({ retryOn, ...more });
    return [200, 409, 418, 429, 500, 501, 502, 503, 504].filter((status) =>
      isRetriableResponse(policy, response(status), false),
    );
  };
  assert.deepEqual(covered('5xx'), [500, 501, 502, 503, 504]);
  assert.deepEqual(covered('gateway-error'), [502, 503, 504]);
  assert.deepEqual(covered('retriable-4xx'), [409]);
  assert.deepEqual(covered('retriable-status-codes', { retriableStatusCodes: [418, 200] }), [200, 418]);
  assert.deepEqual(covered('connect-failure,refused-stream,reset', { retriableStatusCodes: [418] }), []);
});

test('a gRPC status in the head of a gRPC response is held against the gRPC conditions', () => {
  const policy = read({ retryOn: 'unavailable,resource-exhausted' });
  const said = (status: number, isGrpc = true): boolean =>
    isRetriableResponse(policy, response(200, { 'grpc-status': String(status) }), isGrpc);
  const covered = Object.values(GRPC_STATUS).filter((status) => said(status));
  assert.deepEqual(covered, [GRPC_STATUS.resourceExhausted, GRPC_STATUS.unavailable]);
  assert.equal(said(GRPC_STATUS.unavailable, false), false);
  const all = read({ retryOn: 'cancelled, deadline-exceeded, internal' });
  assert.equal(all.grpcStatuses, (1 << 1) | (1 << 4) | (1 << 13));
});

test('a retriable header needs its condition, and a request that no condition covers is not retried', () => {
  const policy = read({ retryOn: 'retriable-headers', retriableHeaders: [present('x-again')] });
  assert.equal(isRetriableResponse(policy, response(200, { 'x-again': 'yes' }), false), true);
  assert.equal(isRetriableResponse(policy, response(200), false), false);
  const without = read({ retryOn: '5xx', retriableHeaders: [present('x-again')] });
  assert.equal(isRetriableResponse(without, response(200, { 'x-again': 'yes' }), false), false);
  const covering = read({ retriableRequestHeaders: [present('x-may-retry')] });
  const request = Head.request('GET', '/', 'a');
  assert.equal(coversRequest(covering, request), false);
  request.appendText(new FieldName('x-may-retry'), '1');
  assert.equal(coversRequest(covering, request), true);
  assert.equal(coversRequest(RETRIES, Head.request('GET', '/', 'a')), true);
});

test('the first field that says a time within the bound counts, as seconds, as a date or as a time of day', () => {
  const now = Date.UTC(2026, 0, 1);
  const policy = read({
    rateLimitedRetryBackOff: create(t.RetryPolicy_RateLimitedRetryBackOffTable, {
      resetHeaders: [
        { name: 'Retry-After', format: 0 },
        { name: 'X-RateLimit-Reset', format: 1 },
      ],
      maxInterval: 60_000,
    }),
  });
  const after = (fields: Record<string, string>): number => resetAfterMs(policy, response(429, fields), now);
  assert.equal(after({ 'retry-after': '7' }), 7_000);
  assert.equal(after({ 'retry-after': 'Thu, 01 Jan 2026 00:00:09 GMT' }), 9_000);
  assert.equal(after({ 'x-ratelimit-reset': String(now / 1000 + 5) }), 5_000);
  assert.equal(after({ 'retry-after': '61', 'x-ratelimit-reset': String(now / 1000 + 5) }), 5_000);
  for (const value of ['61', '0', '-1', 'soon', '', '9'.repeat(50)])
    assert.equal(after({ 'retry-after': value }), 0, value);
});
