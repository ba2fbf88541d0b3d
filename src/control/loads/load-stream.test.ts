import assert from 'node:assert/strict';
import test from 'node:test';
import { Counters } from '../../core/counters.ts';
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { LocalityTable, NodeTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS } from '../publish/methods.ts';
import { CDS, fixture, peerOf, resource, WEB_ID } from '../publish/publisher.fixture.ts';
import { dialRaw } from '../publish/raw-client.fixture.ts';
import { LoadMetrics } from './load-metrics.ts';
import {
  type ClusterLoad,
  type LoadStatsRequest,
  LoadStatsRequestTable,
  type LoadStatsResponse,
  LoadStatsResponseTable,
} from './load-stats.ts';
import { LOAD_STATS_PATH, openLoadStream } from './load-stream.ts';

function server() {
  const counters = new Counters();
  const metrics = new LoadMetrics(counters);
  const { publisher, views } = fixture({
    services: (callers) => new Map([[LOAD_STATS_PATH, (stream) => openLoadStream(stream, callers, metrics)]]),
  });
  views.set('shop/web-1', 'configuration', resource(CDS, 'catalog', '1'), resource(CDS, 'reviews', '1'));
  dialRaw(publisher, DELTA_ADS.path).ask({ typeUrl: CDS });
  const value = (name: string, labels: Record<string, string>): number =>
    [...counters.series()]
      .filter((series) => series.name === name)
      .filter((series) => Object.entries(labels).every(([key, text]) => series.labels[key] === text))
      .reduce((sum, series) => sum + series.value, 0);
  return { publisher, views, counters, value };
}

function dial({ publisher }: ReturnType<typeof server>) {
  const told: LoadStatsResponse[] = [];
  let ended: RpcStatus | null = null;
  const stream: RpcStream = {
    remote: { host: '127.0.0.1', port: 5000 },
    writable: true,
    send: (message) => void told.push(decode(LoadStatsResponseTable, message)),
    end: (status) => {
      ended = status ?? null;
    },
    pause() {},
    resume() {},
    destroy() {},
  };
  const accepted = publisher.accept(stream, LOAD_STATS_PATH, peerOf('shop/web-1', WEB_ID));
  assert.ok(!('code' in accepted));
  const handler: RpcHandler = accepted;
  const say = (said: Partial<LoadStatsRequest>): void =>
    handler.onMessage(encode(LoadStatsRequestTable, create(LoadStatsRequestTable, said)));
  return { told, say, handler, ended: (): RpcStatus | null => ended };
}

const ALL = ['envoy.lrs.supports_send_all_clusters'];
const NODE = create(NodeTable, { id: 'shop/web-1', clientFeatures: ALL });

interface Load {
  readonly ok?: number;
  readonly errors?: number;
  readonly active?: number;
  readonly zone?: string;
  readonly dropped?: Readonly<Record<string, number>>;
}

function load(clusterName: string, { ok = 0, errors = 0, active = 0, zone = 'a', dropped = {} }: Load): ClusterLoad {
  return {
    clusterName,
    upstreamLocalityStats: [
      {
        locality: create(LocalityTable, { region: 'eu', zone }),
        totalSuccessfulRequests: BigInt(ok),
        totalErrorRequests: BigInt(errors),
        totalRequestsInProgress: BigInt(active),
        totalIssuedRequests: BigInt(ok + errors),
      },
    ],
    totalDroppedRequests: BigInt(Object.values(dropped).reduce((a, b) => a + b, 0)),
    droppedRequests: Object.entries(dropped).map(([category, n]) => ({ category, droppedCount: BigInt(n) })),
  };
}

test('a client is told what to report and how often: all, or by name where it cannot', () => {
  const mesh = server();
  const all = dial(mesh);
  all.say({ node: NODE });
  assert.deepEqual(all.told, [{ clusters: [], sendAllClusters: true, loadReportingInterval: 10_000 }]);
  const named = dial(mesh);
  named.say({ node: create(NodeTable, { id: 'shop/web-1' }) });
  assert.deepEqual(named.told[0]?.clusters, ['catalog', 'reviews']);
  named.say({});
  assert.equal(named.told.length, 1, 'told once');
  mesh.views.set('shop/web-1', 'configuration', resource(CDS, 'ratings', '1'));
  mesh.publisher.flush();
  named.say({});
  assert.deepEqual(named.told[1]?.clusters, ['ratings'], 'and again when it changes');
});

test('reports become metrics of the caller’s service, its callee and the place, added up over reporters', () => {
  const mesh = server();
  const [one, two] = [dial(mesh), dial(mesh)];
  for (const each of [one, two]) each.say({ node: NODE });
  one.say({ clusterStats: [load('catalog', { ok: 5, errors: 1, active: 3 }), load('reviews', { ok: 2, zone: 'b' })] });
  two.say({ clusterStats: [load('catalog', { ok: 10, active: 2, dropped: { lb: 4 } })] });
  const labels = { source: 'web.shop', cluster: 'catalog', locality: 'eu/a' };
  assert.equal(mesh.value('weft_load_requests_total', { ...labels, result: 'success' }), 15);
  assert.equal(mesh.value('weft_load_requests_total', { ...labels, result: 'error' }), 1);
  assert.equal(mesh.value('weft_load_requests_issued_total', labels), 16);
  assert.equal(mesh.value('weft_load_requests_in_progress', labels), 5);
  assert.equal(mesh.value('weft_load_requests_dropped_total', { cluster: 'catalog', category: 'lb' }), 4);
  assert.equal(mesh.value('weft_load_requests_total', { cluster: 'reviews', locality: 'eu/b' }), 2);
  one.say({ clusterStats: [load('catalog', { active: 1 })] });
  assert.equal(mesh.value('weft_load_requests_in_progress', labels), 3);
  two.handler.onClose({ code: 14, message: 'gone' });
  assert.equal(mesh.value('weft_load_requests_in_progress', labels), 1, 'what a reporter had in progress goes with it');
});

test('a report can name no series of its own: unknown clusters, places and causes beyond the bound count together', () => {
  const mesh = server();
  const { say } = dial(mesh);
  say({ node: NODE });
  for (let i = 0; i < 50; i++) {
    const clusterStats = Array.from({ length: 100 }, (_, j) =>
      load(`x${i}-${j}`, { ok: 1, zone: `${i}-${j}`, dropped: { [`c${i}-${j}`]: 1 } }),
    );
    say({ clusterStats });
    say({ clusterStats: clusterStats.map((each) => ({ ...each, clusterName: 'catalog' })) });
  }
  assert.equal(mesh.value('weft_load_requests_total', { cluster: 'other' }), 5_000);
  assert.equal(mesh.value('weft_load_unknown_clusters_total', {}), 5_000);
  assert.equal(mesh.value('weft_load_requests_total', { cluster: 'catalog' }), 5_000);
  assert.ok([...mesh.counters.series()].length < 3_000);
});

test('numbers that no proxy can have reached spoil no sum', () => {
  const mesh = server();
  const { say } = dial(mesh);
  say({ node: NODE });
  const huge = load('catalog', {}).upstreamLocalityStats.map((each) => ({
    ...each,
    totalSuccessfulRequests: 2n ** 64n - 1n,
  }));
  say({ clusterStats: [{ ...load('catalog', {}), upstreamLocalityStats: huge }] });
  assert.equal(mesh.value('weft_load_requests_total', { result: 'success' }), 1e9);
});

test('another’s name, and what is no report, end the stream', () => {
  const mesh = server();
  const thief = dial(mesh);
  thief.say({ node: create(NodeTable, { id: 'shop/web-2' }) });
  assert.equal(thief.ended()?.code, 7);
  const broken = dial(mesh);
  broken.handler.onMessage(Uint8Array.of(9, 9));
  assert.equal(broken.ended()?.code, 3);
  const large = dial(mesh);
  large.handler.onMessage(new Uint8Array((2 << 20) + 1));
  assert.equal(large.ended()?.code, 8);
});
