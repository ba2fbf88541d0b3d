/** The xDS server to a client that others wrote: grpc-js with Envoy's own .proto files, over mTLS, in every method. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, type ClientDuplexStream, credentials, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync, type ServiceDefinition } from '@grpc/proto-loader';
import { LOAD_STATS_PATH } from '../../src/control/loads/load-stream.ts';
import { METHOD_BY_PATH } from '../../src/control/publish/methods.ts';
import { resource } from '../../src/control/publish/publisher.fixture.ts';
import { TYPE_URLS } from '../../src/xds/resource.ts';
import { XdsPublisher } from '../support/xds-publisher.ts';

const LIMIT_MS = 15_000;
const { endpoints: EDS } = TYPE_URLS;
const NODE = { id: 'shop/web-1', cluster: 'web' };

type Message = Readonly<Record<string, unknown>>;

const PROTOS = join(dirname(createRequire(import.meta.url).resolve('@grpc/grpc-js-xds/package.json')), 'deps');
const definitions = loadSync(
  [
    'envoy/service/discovery/v3/ads.proto',
    'envoy/service/listener/v3/lds.proto',
    'envoy/service/cluster/v3/cds.proto',
    'envoy/service/route/v3/rds.proto',
    'envoy/service/endpoint/v3/eds.proto',
    'envoy/service/secret/v3/sds.proto',
    'envoy/service/status/v3/csds.proto',
    'envoy/service/load_stats/v3/lrs.proto',
  ],
  {
    includeDirs: ['envoy-api', 'xds', 'googleapis', 'protoc-gen-validate'].map((each) => join(PROTOS, each)),
    keepCase: true,
    bytes: Buffer,
    enums: String,
    longs: String,
    defaults: true,
  },
);

const server = new XdsPublisher();
const { views, counters, publisher } = server;
const clients: Client[] = [];

before(() => server.listen(NODE.id));

after(async () => {
  for (const client of clients) client.close();
  await server.close();
});

function dial(): Client {
  const { certificateChainPem, privateKeyPem, trustBundlePem } = server.identity;
  const [roots, key, chain] = [trustBundlePem, privateKeyPem, certificateChainPem].map((pem) => Buffer.from(pem));
  assert.ok(roots && key && chain);
  const client = new Client(`localhost:${server.port}`, credentials.createSsl(roots, key, chain));
  clients.push(client);
  return client;
}

function methodAt(path: string): MethodDefinition<object, object> {
  const [, service = '', name = ''] = path.split('/');
  const method = (definitions[service] as ServiceDefinition | undefined)?.[name];
  assert.ok(method, path);
  return method;
}

/** A stream whose messages are taken one by one. */
class Talk {
  readonly #stream: ClientDuplexStream<object, object>;
  readonly #waiting: ((message: Message) => void)[] = [];
  readonly #messages: Message[] = [];
  readonly ended: Promise<number>;

  constructor(client: Client, path: string) {
    const { requestSerialize, responseDeserialize } = methodAt(path);
    this.#stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
    const { promise, resolve } = Promise.withResolvers<number>();
    this.ended = promise;
    this.#stream.on('error', (error: ServiceError) => resolve(error.code));
    this.#stream.on('end', () => resolve(0));
    this.#stream.on('data', (message: Message) => {
      const waiting = this.#waiting.shift();
      if (waiting === undefined) this.#messages.push(message);
      else waiting(message);
    });
  }

  say(message: Message): void {
    this.#stream.write(message);
  }

  /** Resolves when the transport has taken it. */
  said(message: Message): Promise<void> {
    return new Promise((resolve) => this.#stream.write(message, () => resolve()));
  }

  hear(): Promise<Message> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  cancel(): void {
    this.#stream.cancel();
  }
}

for (const [path, { variant, type }] of METHOD_BY_PATH) {
  const name = path.slice(path.indexOf('.v3.') + 4);
  test(`${name}: answered, acknowledged, pushed`, { timeout: LIMIT_MS }, async () => {
    const typeUrl = type ?? EDS;
    const put = (content: string): void => views.set(NODE.id, 'endpoints', resource(typeUrl, 'x', content));
    put('one');
    const talk = new Talk(dial(), path);
    const asks = variant === 'delta' ? { resource_names_subscribe: ['x'] } : { resource_names: ['x'] };
    const contentOf = (message: Message): string => {
      const [first] = message['resources'] as { resource?: { value: Buffer }; value?: Buffer }[];
      return String(first?.resource?.value ?? first?.value);
    };
    // Of a service of one type the type need not be said.
    talk.say({ node: NODE, type_url: type === null ? typeUrl : '', ...asks });
    const first = await talk.hear();
    assert.deepEqual([first['type_url'], contentOf(first)], [typeUrl, 'one']);
    const again = variant === 'delta' ? {} : asks;
    talk.say({ type_url: typeUrl, response_nonce: first['nonce'], ...again });
    put('two');
    const second = await talk.hear();
    assert.equal(contentOf(second), 'two');
    talk.say({
      type_url: typeUrl,
      response_nonce: second['nonce'],
      error_detail: { code: 3, message: 'x: no' },
      ...again,
    });
    put('three');
    assert.equal(contentOf(await talk.hear()), 'three', 'a refused content is followed by the next');
    talk.cancel();
    await talk.ended;
  });
}

test('a client may have streams for hundreds of resources on one connection', { timeout: LIMIT_MS }, async () => {
  const all = Array.from({ length: 300 }, (_, i) => `e${i}`);
  views.set(NODE.id, 'endpoints', ...all.map((name) => resource(EDS, name, name)));
  const client = dial();
  const path = '/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints';
  const talks = all.map((name) => {
    const talk = new Talk(client, path);
    talk.say({ node: NODE, resource_names: [name] });
    return talk;
  });
  for (const talk of talks) await talk.hear();
  assert.equal(publisher.proxies().length, 1);
  for (const talk of talks) talk.cancel();
  await Promise.all(talks.map((talk) => talk.ended));
});

test('a client that floods is read more slowly, another on its own connection meanwhile as ever', {
  timeout: 3 * LIMIT_MS,
}, async () => {
  const path = '/envoy.service.endpoint.v3.EndpointDiscoveryService/StreamEndpoints';
  views.set(NODE.id, 'endpoints', resource(EDS, 'x', 'one'), resource(EDS, 'last', 'two'));
  const flood = new Talk(dial(), path);
  flood.say({ node: NODE, resource_names: ['x'] });
  const first = await flood.hear();
  flood.say({ resource_names: ['x'], response_nonce: first['nonce'] });
  const nonsense = 'x'.repeat(1 << 20);
  while (publisher.metrics.throttled.value === 0) {
    await flood.said({ resource_names: ['x'], response_nonce: nonsense });
  }
  flood.say({ resource_names: ['last'] });
  const other = new Talk(dial(), path);
  other.say({ node: NODE, resource_names: ['x'] });
  await other.hear();
  // What came last is answered in the end.
  await flood.hear();
  flood.cancel();
  other.cancel();
  await Promise.all([flood.ended, other.ended]);
});

test('CSDS tells a client what the server knows of it', { timeout: LIMIT_MS }, async () => {
  views.set(NODE.id, 'endpoints', resource(EDS, 'x', 'one'));
  const client = dial();
  const ads = new Talk(client, '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources');
  ads.say({ node: NODE, type_url: EDS, resource_names: ['x'] });
  const { nonce } = await ads.hear();
  ads.say({ type_url: EDS, resource_names: ['x'], response_nonce: nonce, error_detail: { code: 3, message: 'x: no' } });
  const path = '/envoy.service.status.v3.ClientStatusDiscoveryService/FetchClientStatus';
  const { requestSerialize, responseDeserialize } = methodAt(path);
  const fetch = (): Promise<Message> =>
    new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, {}, (error, value) =>
        error === null ? resolve(value as Message) : reject(error),
      );
    });
  for (;;) {
    const [config] = (await fetch())['config'] as { generic_xds_configs: Message[] }[];
    const [only] = config?.generic_xds_configs ?? [];
    if (only?.['config_status'] !== 'ERROR') continue;
    assert.deepEqual([only['name'], (only['error_state'] as Message)['details']], ['x', 'no']);
    break;
  }
  ads.cancel();
  await ads.ended;
});

test('LRS says what to report and takes it', { timeout: LIMIT_MS }, async () => {
  const talk = new Talk(dial(), LOAD_STATS_PATH);
  talk.say({ node: { ...NODE, client_features: ['envoy.lrs.supports_send_all_clusters'] } });
  const told = await talk.hear();
  assert.deepEqual([told['send_all_clusters'], told['load_reporting_interval']], [true, { seconds: '10', nanos: 0 }]);
  const locality = { region: 'eu', zone: 'a', sub_zone: '' };
  const upstream_locality_stats = [{ locality, total_successful_requests: 7 }];
  talk.say({ cluster_stats: [{ cluster_name: 'catalog', upstream_locality_stats }] });
  const reported = (): boolean =>
    [...counters.series()].some(({ name, value }) => name === 'weft_load_requests_total' && value === 7);
  while (!reported()) await new Promise((done) => setTimeout(done, 10));
  talk.cancel();
  await talk.ended;
});

test('a message above the bound, and bytes that are none, end with a status that gRPC knows', {
  timeout: LIMIT_MS,
}, async () => {
  const path = '/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources';
  const raw = (bytes: Buffer): Promise<number> =>
    new Promise((resolve) => {
      const stream = dial().makeBidiStreamRequest<Buffer, Buffer>(
        path,
        (each) => each,
        (each) => each,
      );
      stream.on('error', (error: ServiceError) => resolve(error.code));
      stream.on('data', () => {});
      stream.write(bytes);
    });
  assert.equal(await raw(Buffer.alloc((8 << 20) + 1)), 8);
  assert.equal(await raw(Buffer.from([9, 9, 9])), 3);
  assert.equal(publisher.metrics.ended('message-too-large'), 1);
});
