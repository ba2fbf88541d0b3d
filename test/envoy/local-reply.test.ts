/** Answers that are the proxy's own, mapped and formatted (local_reply_config): byte for byte as Envoy gives them. */
import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { cluster, httpListener } from './access-log-bootstrap.ts';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from './running.ts';

type Json = Readonly<Record<string, unknown>>;

const LOCAL_REPLIES: Json = {
  mappers: [
    {
      filter: { status_code_filter: { comparison: { op: 'EQ', value: { default_value: 404, runtime_key: 'none' } } } },
      status_code: 410,
      body: { inline_string: 'gone' },
      headers_to_add: [{ header: { key: 'x-mapped', value: '%REQ(:PATH)%' } }],
    },
    {
      filter: { response_flag_filter: { flags: ['UH'] } },
      body_format_override: { json_format: { code: '%RESPONSE_CODE%', at: '%REQ(:PATH)%', flag: '%RESPONSE_FLAGS%' } },
    },
    {
      filter: { header_filter: { header: { name: 'x-text', present_match: true } } },
      body_format_override: {
        text_format_source: { inline_string: '<p>%REQ(X-TEXT)% %RESPONSE_CODE% é %LOCAL_REPLY_BODY%</p>' },
        content_type: 'text/html; charset=UTF-8',
      },
    },
  ],
  body_format: { text_format: '%LOCAL_REPLY_BODY% of %RESPONSE_CODE%\n' },
};

const ROUTES: readonly Json[] = [
  { match: { prefix: '/direct' }, direct_response: { status: 418, body: { inline_string: 'tea' } } },
  { match: { prefix: '/empty' }, direct_response: { status: 200 } },
  { match: { prefix: '/none' }, route: { cluster: 'none' } },
];

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly length: string | undefined;
  readonly mapped: unknown;
  readonly body: string;
}

function ask(port: number, path: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ port, host: '127.0.0.1', path, headers });
    request.on('error', reject).end();
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const { 'content-type': type, 'content-length': length, 'x-mapped': mapped } = response.headers;
        resolve({ status: response.statusCode, type, length, mapped, body: Buffer.concat(chunks).toString('utf8') });
      });
    });
  });
}

describe('local replies of Weft’s proxy and of Envoy', { skip: missing('envoy') }, () => {
  const proxies: RunningEnvoy[] = [];

  before(async () => {
    const listeners = [httpListener('http', ROUTES, [], { local_reply_config: LOCAL_REPLIES })];
    const bootstrap = { static_resources: { listeners, clusters: [cluster('none', [])] } };
    for (const start of [startEnvoy, startWeftProxy]) proxies.push(await start(bootstrap));
  });
  after(async () => {
    for (const proxy of proxies) await proxy.stop();
  });

  const cases: readonly (readonly [path: string, headers: Readonly<Record<string, string>>])[] = [
    ['/direct', {}],
    ['/empty', {}],
    ['/direct', { 'x-text': 'said' }],
    ['/none', {}],
    ['/nowhere?q=1', {}],
  ];
  for (const [path, headers] of cases) {
    test(`${path} ${JSON.stringify(headers)}`, async () => {
      const [envoy, weft] = await Promise.all(proxies.map((proxy) => ask(proxy.ports.get('http') ?? 0, path, headers)));
      assert.deepEqual(weft, envoy);
    });
  }
});
