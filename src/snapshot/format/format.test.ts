import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Head } from '../../http/head.ts';
import { FieldName } from '../../http/field-name.ts';
import { compileJson } from './json-format.ts';
import { REACH, sampleFacts } from './sample-facts.ts';
import { compileText } from './text-format.ts';

const text = (format: string, changed = {}): string => compileText('f', format, '-', REACH)(sampleFacts(changed));

/** What Envoy 1.40 writes of the same. */
const WRITTEN: Readonly<Record<string, string>> = {
  'a %% b': 'a % b',
  '%REQ(X-A)%': 'va"l',
  '%REQ(X-A):2%': 'va',
  '%REQ(NONE?X-A)%': 'va"l',
  '%REQ(NONE)%': '-',
  '%REQ(X-TWO)%': 'one',
  '%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %REQ(:SCHEME)%': 'POST /rewritten/x?q=1&r=%202 shop.example:8080 http',
  '%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%': '/up/x?q=1&r=%202',
  '%PATH% %PATH(NQ)% %PATH(WQ:PATH)% %PATH(NQ:ORIG)%': '/up/x?q=1&r=%202 /up/x /rewritten/x?q=1&r=%202 /up/x',
  '%QUERY_PARAM(q)% %QUERY_PARAM(s)% %QUERY_PARAMS%': '1 - q=1&r=%202',
  '%RESP(:STATUS)% %RESP(X-UP)%': '200 a"b\\c\xe9',
  '%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%': '7',
  '%START_TIME%': '2026-01-02T13:04:05.678Z',
  '%START_TIME(%Y/%m/%dT%H:%M:%S%z %s)%': '2026/01/02T13:04:05+0000 1767359045',
  '%START_TIME(%s.%3f %6f %f %1f)%': '1767359045.678 678250 678250000 6',
  '%START_TIME(%a %A %b %B %e %j %u %w %y %I %p %F %T %R %Z)%':
    'Fri Friday Jan January  2 002 5 5 26 01 PM 2026-01-02 13:04:05 13:04 UTC',
  '%EMIT_TIME%': '2026-01-02T13:04:06.000Z',
  '%PROTOCOL% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%': 'HTTP/1.1 200 - via_upstream',
  '%BYTES_RECEIVED% %BYTES_SENT% %DURATION%': '5 7 12',
  '%REQUEST_DURATION% %RESPONSE_DURATION% %RESPONSE_TX_DURATION%': '2 9 3',
  '%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %DOWNSTREAM_REMOTE_PORT%':
    '[::1]:5000 ::1 5000',
  '%DOWNSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_PORT%': '10.0.0.1:80 80',
  '%UPSTREAM_HOST% %UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %UPSTREAM_REMOTE_PORT%': '[fd00::1]:8080 fd00::1 8080',
  '%UPSTREAM_CLUSTER%': 'cl\xc3\xbcster',
  '%DOWNSTREAM_PEER_URI_SAN%': '-',
  '%HOSTNAME% %ENVIRONMENT(POD)% %ENVIRONMENT(POD):3% %ENVIRONMENT(NOPE)%': 'node-1 web-0 web -',
  '%TRACE_ID% %STREAM_ID% %UNIQUE_ID%': '0af7651916cd43dd8448eb211c80319c - unique',
  '%CONNECTION_ID% %ROUTE_NAME% %FILTER_CHAIN_NAME%': '3 route chain',
  '%CLUSTER_METADATA(ns:k)% %METADATA(CLUSTER:ns:o)% %METADATA(ROUTE:ns:k)%': 'v {"a":1} -',
  é: '\xc3\xa9',
};

for (const [format, written] of Object.entries(WRITTEN)) {
  test(`${format} is ${written}`, () => assert.equal(text(format), written));
}

test('how a call of gRPC ended, in three spellings', () => {
  const format = '%GRPC_STATUS% %GRPC_STATUS(SNAKE_STRING)% %GRPC_STATUS(NUMBER)% %GRPC_STATUS_NUMBER%';
  assert.equal(text(format, { grpcStatus: 5 }), 'NotFound NOT_FOUND 5 5');
  assert.equal(text(format, { grpcStatus: 0 }), 'OK OK 0 0');
  assert.equal(text(format), '- - - -');
});

test('trailers, and flags in both lengths', () => {
  const trailers = new Head();
  trailers.appendText(new FieldName('x-t'), 'end');
  assert.equal(
    text('%TRAILER(X-T)% %RESPONSE_FLAGS% %RESPONSE_FLAGS_LONG%', { trailers, flag: 'UH' }),
    'end UH NoHealthyUpstream',
  );
});

const REFUSED: Readonly<Record<string, RegExp>> = {
  'ab %NOPE%': /%NOPE% at character 3: no operator/,
  '%REQ%': /%REQ% at character 0 needs an argument/,
  '%PROTOCOL(x)%': /takes no argument/,
  '%PROTOCOL:3%': /takes no length/,
  '%REQ(a b)%': /not a field name/,
  '%REQ(a?b?c)%': /no name of a field/,
  '100% sure': /no command at character 3/,
  '%START_TIME(%Q)%': /written as %Q/,
  '%PATH(NO)%': /WQ or NQ/,
  '%METADATA(DYNAMIC:a:b)%': /nothing that this proxy has/,
  '%DYNAMIC_METADATA(a:b)%': /no operator/,
};

for (const [format, reason] of Object.entries(REFUSED)) {
  test(`${format} is refused by name and place`, () => {
    assert.throws(
      () => compileText('log_format.text_format', format, '-', REACH),
      (error: Error) => {
        assert.match(error.message, reason);
        return true;
      },
    );
  });
}

test('the environment is shown only to whom it belongs', () => {
  assert.throws(() => compileText('f', '%ENVIRONMENT(POD)%', '-', { hostname: '', environment: null }), /not shown/);
});

test('json: keys in order, types kept, what is mixed a text, nothing as null', () => {
  const format = {
    z: '%RESPONSE_CODE%',
    a: 'x %REQ(none)% %DURATION%',
    n: { e: '%REQ(none)%' },
    l: ['%DURATION%', 'x', 3, true, null],
    m: '%CLUSTER_METADATA(ns)%',
  };
  assert.equal(
    compileJson('f', format, false, REACH)(sampleFacts()),
    '{"a":"x - 12","l":[12,"x",3,true,null],"m":{"k":"v","o":{"a":1}},"n":{"e":null},"z":200}',
  );
  assert.equal(
    compileJson('f', format, true, REACH)(sampleFacts()),
    '{"a":"x  12","l":[12,"x",3,true],"m":{"k":"v","o":{"a":1}},"z":200}',
  );
});

test('json: what a peer sends, whatever its bytes, stays one text of one line', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const sent = Buffer.from(bytes)
        .toString('latin1')
        .replace(/[^\t\x20-\x7e\x80-\xff]/g, '');
      const request = Head.request('GET', '/', 'a');
      request.appendText(new FieldName('x'), sent);
      const line = compileJson('f', { x: '%REQ(X)%' }, false, REACH)(sampleFacts({ request }));
      const { x } = JSON.parse(Buffer.from(line, 'latin1').toString('utf8')) as { x: string };
      const asUtf8 = Buffer.from(sent, 'latin1').toString('utf8');
      assert.equal(x, asUtf8.includes('\ufffd') ? sent : asUtf8);
      assert.doesNotMatch(line, /\n/);
    }),
  );
});

test('any text is a format or refused with a WeftError', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('%', 'R', 'E', 'Q', '(', ')', 'x', ':', '1', ' ') }), (format) => {
      try {
        compileText('f', format, '-', REACH)(sampleFacts());
      } catch (error) {
        assert.match(String((error as { code?: string }).code), /^(?:invalid|unsupported)$/);
      }
    }),
  );
});
