/** Facts for tests of formats: an exchange that went well, and what a test says otherwise. */
import { FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import type { Facts } from './facts.ts';
import type { Reach } from './operator.ts';

export const REACH: Reach = { hostname: 'node-1', environment: { POD: 'web-0' } };

export function sampleFacts(changed: Partial<Facts> = {}): Facts {
  const request = Head.request('POST', '/rewritten/x?q=1&r=%202', 'shop.example:8080');
  request.appendText(new FieldName('x-a'), 'va"l');
  request.appendText(new FieldName('x-two'), 'one');
  request.appendText(new FieldName('x-two'), 'two');
  request.appendText(new FieldName('traceparent'), '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  const response = Head.response(200);
  response.appendText(new FieldName('x-up'), 'a"b\\c\xe9');
  return {
    logType: 'DownstreamEnd',
    request,
    response,
    trailers: null,
    originalPath: '/up/x?q=1&r=%202',
    status: 200,
    flag: '',
    codeDetails: 'via_upstream',
    replyBody: '',
    grpcStatus: -1,
    bytesIn: 5,
    bytesOut: 7,
    startedAtWallMs: Date.UTC(2026, 0, 2, 13, 4, 5, 678) + 0.25,
    nowWallMs: () => Date.UTC(2026, 0, 2, 13, 4, 6),
    durationMs: 12.9,
    requestMs: 2.5,
    responseMs: 9.5,
    connection: { local: { host: '10.0.0.1', port: 80 }, remote: { host: '::1', port: 5000 }, tls: null },
    connectionId: 3,
    chainName: 'chain',
    routeName: 'route',
    clusterName: 'clüster',
    upstreamHost: '[fd00::1]:8080',
    upstreamProtocol: 'HTTP/2',
    upstream: null,
    attempts: 1,
    metadata: (of) => (of === 'cluster' ? new Map([['ns', { k: 'v', o: { a: 1 } }]]) : undefined),
    random: () => 0.5,
    uniqueId: () => 'unique',
    ...changed,
  };
}
