import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Resource } from '../api/resource.ts';
import { type ErrorCode, isWeftError, WeftError } from '../core/errors.ts';
import { createToken, enrol, renew } from './identity.ts';
import { SERVICES, WORKLOADS } from './kind-ref.ts';
import { meshStatus, renewLease, serverVersion } from './mesh.ts';
import { ResourceClient } from './resources.ts';
import type { HttpRequest, HttpTransport } from './transport.ts';
import { follow, watch } from './watch.ts';

interface Script {
  readonly status?: number;
  readonly body?: unknown;
  readonly lines?: readonly unknown[];
  readonly fail?: WeftError;
}

/** Answers from a script, in order, and remembers what was asked. */
function scripted(...script: readonly Script[]): { transport: HttpTransport; asked: HttpRequest[] } {
  const asked: HttpRequest[] = [];
  const next = (request: HttpRequest): Script => {
    const answer = script[asked.length];
    asked.push(request);
    if (answer === undefined) throw new Error(`nothing more was expected: ${request.path}`);
    if (answer.fail !== undefined) throw answer.fail;
    return answer;
  };
  async function* linesOf(answer: Script): AsyncGenerator<string> {
    for (const line of answer.lines ?? [answer.body]) {
      if (line instanceof WeftError) throw line;
      yield JSON.stringify(line);
    }
  }
  const transport: HttpTransport = {
    server: 'https://mesh',
    request: async (request) => {
      const { status = 200, body = {} } = next(request);
      return { status, body: typeof body === 'string' ? body : JSON.stringify(body) };
    },
    stream: async (request) => {
      const answer = next(request);
      return { status: answer.status ?? 200, lines: linesOf(answer) };
    },
    close() {},
  };
  return { transport, asked };
}

const service = (name: string, resourceVersion: string): Resource => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop', resourceVersion },
});
const status = (code: number, reason: string, message = reason) => ({
  kind: 'Status',
  status: 'Failure',
  code,
  reason,
  message,
});
const shown = (asked: readonly HttpRequest[]) =>
  asked.map(({ method, path, headers }) => `${method} ${path} ${headers['content-type'] ?? ''}`.trim());

describe('ResourceClient', () => {
  test('speaks the Kubernetes verbs', async () => {
    const { transport, asked } = scripted(...Array.from({ length: 10 }, () => ({ body: { items: [] } })));
    const client = new ResourceClient(transport);
    const one = service('a', '1');
    await client.get(SERVICES, 'shop', 'a');
    await client.list(WORKLOADS, null, { labelSelector: 'app=a,version!=v1' });
    await client.create(SERVICES, one);
    await client.replace(SERVICES, one);
    await client.replaceStatus(SERVICES, one);
    await client.mergePatch(SERVICES, 'shop', 'a', { spec: null });
    await client.apply(SERVICES, one, { fieldManager: 'weft', force: true, dryRun: true });
    await client.applySet([one], { fieldManager: 'weft' });
    await client.delete(SERVICES, 'shop', 'a/b');
    await client.get({ ...WORKLOADS, plural: 'meshes', namespaced: false }, 'ignored', 'default');
    assert.deepEqual(shown(asked), [
      'GET /api/v1/namespaces/shop/services/a',
      'GET /apis/weft.mesh/v1/workloads?labelSelector=app%3Da%2Cversion%21%3Dv1',
      'POST /api/v1/namespaces/shop/services application/json',
      'PUT /api/v1/namespaces/shop/services/a application/json',
      'PUT /api/v1/namespaces/shop/services/a/status application/json',
      'PATCH /api/v1/namespaces/shop/services/a application/merge-patch+json',
      'PATCH /api/v1/namespaces/shop/services/a?fieldManager=weft&force=true&dryRun=All application/apply-patch+yaml',
      'POST /apis/weft.mesh/v1/applysets application/json',
      'DELETE /api/v1/namespaces/shop/services/a%2Fb',
      'GET /apis/weft.mesh/v1/meshes/default',
    ]);
    assert.deepEqual(JSON.parse(asked[7]?.body ?? ''), { items: [one], fieldManager: 'weft' });
  });

  test('gives list items the type that Kubernetes leaves out', async () => {
    const { transport } = scripted({
      body: { metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] },
    });
    const list = await new ResourceClient(transport).list(SERVICES, 'shop');
    assert.deepEqual(list, {
      resourceVersion: '7',
      items: [{ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } }],
    });
  });

  test('turns a Status into the error of its reason, with its message, and anything else by its number', async () => {
    const cases: [number, unknown, ErrorCode][] = [
      [409, status(409, 'AlreadyExists'), 'already-exists'],
      [409, status(409, 'Conflict'), 'conflict'],
      [404, status(404, 'NotFound', 'services "a" not found'), 'not-found'],
      [403, status(403, 'Forbidden'), 'forbidden'],
      [422, status(422, 'Invalid'), 'invalid'],
      [401, 'nginx says no', 'unauthenticated'],
      [502, '<html>', 'internal'],
    ];
    for (const [code, body, expected] of cases) {
      const { transport } = scripted({ status: code, body });
      const failed = new ResourceClient(transport).get(SERVICES, 'shop', 'a');
      await assert.rejects(failed, (error) => isWeftError(error, expected), `${code} ${expected}`);
    }
    const { transport } = scripted({ status: 404, body: status(404, 'NotFound', 'no such thing') });
    await assert.rejects(
      new ResourceClient(transport).get(SERVICES, 'shop', 'a'),
      /no such thing \(GET https:\/\/mesh\/api\/v1\/namespaces\/shop\/services\/a\)/,
    );
  });

  test('refuses an answer that is not JSON', async () => {
    const { transport } = scripted({ body: '<html>' });
    await assert.rejects(serverVersion(transport), (error) => isWeftError(error, 'invalid'));
  });
});

describe('watch', () => {
  const { signal } = new AbortController();
  const collect = async <T>(events: AsyncIterable<T>): Promise<T[]> => {
    const all: T[] = [];
    for await (const event of events) all.push(event);
    return all;
  };

  test('gives the events after a revision, until the server ends', async () => {
    const events = [
      { type: 'ADDED', object: service('a', '8') },
      { type: 'DELETED', object: service('a', '9') },
    ];
    const { transport, asked } = scripted({ lines: events });
    assert.deepEqual(await collect(watch(transport, SERVICES, '7', { namespace: 'shop', signal })), events);
    assert.equal(
      asked[0]?.path,
      '/api/v1/namespaces/shop/services?watch=true&allowWatchBookmarks=true&resourceVersion=7',
    );
  });

  test('says too-old for a compacted revision, as an answer and inside a stream', async () => {
    const gone = status(410, 'Expired');
    for (const script of [{ status: 410, body: gone }, { lines: [{ type: 'ERROR', object: gone }] }]) {
      const { transport } = scripted(script);
      await assert.rejects(collect(watch(transport, SERVICES, '1', { namespace: null, signal })), (error) =>
        isWeftError(error, 'too-old'),
      );
    }
  });
});

describe('follow', () => {
  const list = (version: string, ...items: Resource[]): Script => ({
    body: { metadata: { resourceVersion: version }, items },
  });

  async function collect(script: readonly Script[]): Promise<{ seen: string[]; asked: string[] }> {
    const { transport, asked } = scripted(...script);
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const event of follow(transport, SERVICES, { namespace: 'shop', signal: abort.signal })) {
      seen.push(
        event.type === 'REPLACE' ? `REPLACE ${event.items.length}` : `${event.type} ${event.object.metadata.name}`,
      );
      if (asked.length === script.length) abort.abort();
    }
    const versions = asked.map(({ path }) => /resourceVersion=(\d+)/.exec(path)?.[1] ?? 'list');
    return { seen, asked: versions };
  }

  test('goes on from the last revision when a stream ends, bookmarks included', async () => {
    const { seen, asked } = await collect([
      list('5', service('a', '3')),
      {
        lines: [
          { type: 'ADDED', object: service('b', '6') },
          { type: 'BOOKMARK', object: service('', '9') },
        ],
      },
      { lines: [{ type: 'DELETED', object: service('b', '10') }] },
    ]);
    assert.deepEqual(seen, ['REPLACE 1', 'ADDED b', 'DELETED b']);
    assert.deepEqual(asked, ['list', '5', '9']);
  });

  test('lists again when its revision was compacted away', async () => {
    const { seen, asked } = await collect([
      list('5'),
      { status: 410, body: status(410, 'Expired') },
      list('20', service('a', '18')),
      { lines: [{ type: 'ADDED', object: service('b', '21') }] },
    ]);
    assert.deepEqual(seen, ['REPLACE 0', 'REPLACE 1', 'ADDED b']);
    assert.deepEqual(asked, ['list', '5', 'list', '20']);
  });

  test('waits while the control plane is away, and does not list again for that', async () => {
    const away = new WeftError('unavailable', { what: 'away' });
    const { asked } = await collect([
      list('5'),
      { fail: away },
      { lines: [away] },
      { lines: [{ type: 'ADDED', object: service('b', '6') }] },
    ]);
    assert.deepEqual(asked, ['list', '5', '5', '5']);
  });

  test('gives up on what waiting does not heal', async () => {
    await assert.rejects(collect([{ status: 403, body: status(403, 'Forbidden') }]), (error) =>
      isWeftError(error, 'forbidden'),
    );
  });
});

test('identity and leases go to their own paths, an enrolment with the join token', async () => {
  const { transport, asked } = scripted({}, {}, {}, {}, {});
  await createToken(transport, { namespace: 'shop', service: null });
  await enrol(transport, 'weft-join-1.x', {
    namespace: 'shop',
    workload: 'a-1',
    service: 'a',
    account: 'a',
    csr: 'PEM',
  });
  await renew(transport, 'PEM');
  await renewLease(transport, 'shop', 'a-1', { ready: true });
  await meshStatus(transport);
  assert.deepEqual(shown(asked), [
    'POST /apis/identity.weft.mesh/v1/tokens application/json',
    'POST /apis/identity.weft.mesh/v1/enrollments application/json',
    'POST /apis/identity.weft.mesh/v1/renewals application/json',
    'POST /apis/weft.mesh/v1/namespaces/shop/workloads/a-1/lease application/json',
    'GET /apis/weft.mesh/v1/meshstatus',
  ]);
  assert.equal(asked[1]?.headers['authorization'], 'Bearer weft-join-1.x');
});
