/** Programs that start while the control plane is away get what was accepted last, and the control plane's word once it is back. */
import assert from 'node:assert/strict';
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { after, afterEach, test } from 'node:test';
import type { Address } from '../../core/runtime.ts';
import { ResponseCache } from '../../xds/server/response-cache.ts';
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type XdsResource } from '../../xds/resource.ts';
import type { Peer } from '../../xds/rpc/peer.fixture.ts';
import type { DeltaDiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import {
  ClusterTable,
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
  RpcStatusTable,
  VirtualHostTable,
} from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS, RelayBench, SOTW_ADS, until } from './relay.fixture.ts';

const bench = await RelayBench.create();
afterEach(async () => {
  await bench.end();
  rmSync(bench.keptPath, { force: true });
});
after(() => bench.remove());

const type = TYPE_URLS.cluster;

function cluster(name: string, altStatName = ''): XdsResource {
  return xdsResource(type, name, encode(ClusterTable, create(ClusterTable, { name, altStatName })));
}

const [A, B, C] = [cluster('a'), cluster('b'), cluster('c')];
const responses = new ResponseCache();
let serial = 0;

function response(variant: 'delta' | 'sotw', resources: readonly XdsResource[], removed: string[] = []) {
  const framed = responses.frame({ variant, type, resources, removed, absent: [] }, serial);
  serial = framed.serial;
  return framed;
}

function deltaRequest(fields: Partial<DeltaDiscoveryRequest> = {}) {
  return encode(DeltaDiscoveryRequestTable, create(DeltaDiscoveryRequestTable, { typeUrl: type, ...fields }));
}

function sotwRequest(resourceNames: readonly string[], responseNonce = '', versionInfo = '') {
  const request = { typeUrl: type, resourceNames, responseNonce, versionInfo };
  return encode(DiscoveryRequestTable, create(DiscoveryRequestTable, request));
}

const WILDCARD = deltaRequest({ resourceNamesSubscribe: ['*'] });

function namesIn({ messages }: Peer): string[] {
  return messages.flatMap((message) => decode(DeltaDiscoveryResponseTable, message).resources.map(({ name }) => name));
}

/** A program accepts these; then the control plane goes and the relay ends. Returns where it was. */
async function accepted(...batches: { resources: readonly XdsResource[]; removed?: string[]; isRefused?: boolean }[]) {
  const { address, accepted: streams } = await bench.controlPlane();
  const { call, kept } = await bench.relay(address);
  const { stream, peer } = call(DELTA_ADS);
  stream.send(WILDCARD);
  await until('asked', () => streams[0]?.peer.messages.length === 1);
  for (const [i, { resources, removed = [], isRefused = false }] of batches.entries()) {
    const { bytes, nonce } = response('delta', resources, removed);
    streams[0]?.stream.send(bytes);
    await until('came', () => peer.messages.length === i + 1);
    const refusal = isRefused ? { errorDetail: create(RpcStatusTable, { code: 3, message: 'no' }) } : {};
    stream.send(deltaRequest({ responseNonce: nonce, ...refusal }));
    await until('answered', () => streams[0]?.peer.messages.length === i + 2);
  }
  stream.destroy();
  await bench.end();
  return { address, view: kept.view };
}

async function fresh(address: Address) {
  const relay = await bench.relay(address);
  const { stream, peer } = relay.call(DELTA_ADS);
  stream.send(WILDCARD);
  return { ...relay, stream, peer };
}

test('what was accepted is served when the control plane is away at the start; what was refused or removed is not', async () => {
  const { address } = await accepted(
    { resources: [A, B] },
    { resources: [C], removed: ['b'] },
    { resources: [cluster('d'), cluster('a', 'refused')], isRefused: true },
  );
  assert.equal(statSync(bench.keptPath).mode & 0o777, 0o600);
  const { peer } = await fresh(address);
  await until('served', () => peer.messages.length === 1);
  const [only] = peer.messages.map((message) => decode(DeltaDiscoveryResponseTable, message));
  assert.deepEqual(
    only?.resources.map(({ name, version, resource }) => [name, version, new Uint8Array(resource?.value ?? [])]),
    [A, C].map(({ name, version, bytes }) => [name, version, bytes]),
  );
  assert.ok(peer.status === null);
});

test('when the control plane is back the stream ends, and the next one is its own', async () => {
  const { address } = await accepted({ resources: [A] });
  const { peer, call } = await fresh(address);
  await until('served', () => peer.messages.length === 1);
  const back = await bench.controlPlane(address);
  await until('it is asked', () => back.accepted[0]?.peer.messages.length === 1);
  assert.deepEqual([peer.status], [null], 'what does not answer is not back');
  back.accepted[0]?.stream.send(response('delta', [B]).bytes);
  await until('over', () => peer.status !== null);
  assert.equal(peer.status?.code, 14);
  const next = call(DELTA_ADS);
  next.stream.send(WILDCARD);
  await until('asked', () => back.accepted[1]?.peer.messages.length === 1);
  back.accepted[1]?.stream.send(response('delta', [B]).bytes);
  await until('told', () => next.peer.messages.length === 1);
  assert.deepEqual(namesIn(next.peer), ['b']);
});

test('a name that was never called is answered with 503 meanwhile, not with the absence of a host', async () => {
  const { address } = await accepted({ resources: [A] });
  const { peer, stream } = await fresh(address);
  await until('served', () => peer.messages.length === 1);
  const typeUrl = TYPE_URLS.virtualHosts;
  stream.send(deltaRequest({ typeUrl, resourceNamesSubscribe: ['outbound/new:80', 'nothing'] }));
  await until('answered', () => peer.messages.length > 1);
  const [answer] = peer.messages.slice(1).map((message) => decode(DeltaDiscoveryResponseTable, message));
  const told = new Map((answer?.resources ?? []).map(({ name, resource }) => [name, resource?.value]));
  const host = decode(VirtualHostTable, told.get('outbound/new:80') ?? new Uint8Array());
  const action = host.routes[0]?.action;
  assert.deepEqual([host.domains, action?.case === 'directResponse' ? action.value.status : null], [['new:80'], 503]);
  assert.ok(told.has('nothing') && told.get('nothing') === undefined, 'what is no host is answered as absent');
});

test('a control plane that takes the stream and says nothing counts as away, until it answers', async () => {
  const { address } = await accepted({ resources: [A] });
  const silent = await bench.controlPlane(address);
  const { peer } = await fresh(address);
  await until('served', () => peer.messages.length === 1);
  assert.deepEqual(namesIn(peer), ['a']);
  silent.accepted[0]?.stream.send(response('delta', [A]).bytes);
  await until('over', () => peer.status !== null);
  assert.deepEqual([peer.status?.code, silent.accepted.length], [14, 1]);
});

test('a program that has resources already is left to wait, and one without an identity gets nothing', async () => {
  const { address } = await accepted({ resources: [A] });
  const { call, svid } = await bench.relay(address);
  const old = call(DELTA_ADS);
  old.stream.send(deltaRequest({ initialResourceVersions: new Map([['a', A.version]]) }));
  await until('refused', () => old.peer.status !== null);
  assert.deepEqual([old.peer.status?.code, old.peer.messages.length], [14, 0]);
  const served = call(DELTA_ADS);
  served.stream.send(WILDCARD);
  await until('served', () => served.peer.messages.length === 1);
  svid.set(await bench.svid(-1));
  await until('over', () => served.peer.status !== null);
  assert.match(served.peer.status?.message ?? '', /no valid identity/);
});

test('a control plane that refuses is not away', async () => {
  const { address } = await accepted({ resources: [A] });
  const { accepted: streams } = await bench.controlPlane(address);
  const { peer } = await fresh(address);
  await until('asked', () => streams.length === 1);
  streams[0]?.stream.end({ code: 7, message: 'not yours' });
  await until('refused', () => peer.status !== null);
  assert.deepEqual([peer.status, peer.messages.length], [{ code: 7, message: 'not yours' }, 0]);
});

test('the same in the state of the world: what a whole answer leaves out, and what is no longer asked for, is gone', async () => {
  const { address, accepted: streams } = await bench.controlPlane();
  const first = await bench.relay(address, { isGrpc: true });
  const { stream, peer } = first.call(SOTW_ADS);
  stream.send(sotwRequest(['a', 'b', 'c']));
  await until('asked', () => streams[0]?.peer.messages.length === 1);
  let nonce = '';
  for (const [i, resources] of [
    [A, B, C],
    [A, B],
  ].entries()) {
    const framed = response('sotw', resources);
    nonce = framed.nonce;
    streams[0]?.stream.send(framed.bytes);
    await until('came', () => peer.messages.length === i + 1);
    stream.send(sotwRequest(['a', 'b', 'c'], nonce, 'v'));
  }
  await until('answered', () => first.kept.view?.get(type)?.size === 2);
  stream.send(sotwRequest(['a'], nonce, 'v'));
  await until('dropped', () => first.kept.view?.get(type)?.size === 1);
  await bench.end();
  const { call } = await bench.relay(address, { isGrpc: true });
  const again = call(SOTW_ADS);
  again.stream.send(sotwRequest(['a', 'b']));
  await until('served', () => again.peer.messages.length === 1);
  const [only] = again.peer.messages.map((message) => decode(DiscoveryResponseTable, message));
  assert.deepEqual(
    only?.resources.map(({ value }) => decode(ClusterTable, value).name),
    ['a'],
  );
});

test('what the control plane takes away from one that leaves is there for its next start', async () => {
  const { address } = await accepted({ resources: [A, B] });
  const { kept } = await bench.relay(address);
  kept.accept(type, [A, B], []);
  kept.seal();
  kept.accept(type, [], ['a', 'b']);
  assert.deepEqual([...(kept.view?.get(type)?.keys() ?? [])], ['a', 'b']);
});

test('a damaged file is as none, and what is too much is not kept at all', async () => {
  const { address } = await accepted({ resources: [A, B] });
  const file = readFileSync(bench.keptPath);
  file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
  writeFileSync(bench.keptPath, file);
  const { peer } = await fresh(address);
  await until('refused', () => peer.status !== null);
  assert.deepEqual([peer.status?.code, peer.messages.length], [14, 0]);
  await bench.end();
  const { address: at, accepted: streams } = await bench.controlPlane();
  const { call, kept } = await bench.relay(at, { maxKeptBytes: A.bytes.length });
  const { stream, peer: fed } = call(DELTA_ADS);
  stream.send(WILDCARD);
  await until('asked', () => streams.length === 1);
  const { bytes, nonce } = response('delta', [A, B]);
  streams[0]?.stream.send(bytes);
  await until('came', () => fed.messages.length === 1);
  stream.send(deltaRequest({ responseNonce: nonce }));
  await until('bounded', () => kept.bytes.refused === 1);
  assert.equal(kept.view, null);
});
