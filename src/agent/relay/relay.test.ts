/** The relay between a program beside us and a control plane over mTLS, on real sockets. */
import assert from 'node:assert/strict';
import { after, afterEach, test } from 'node:test';
import type { RpcStream } from '../../core/runtime.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import type { Peer } from '../../xds/rpc/peer.fixture.ts';
import type { DeltaDiscoveryResponse, Secret } from '../../xds/tables/messages.gen.ts';
import {
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
  SecretTable,
} from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { DELTA_ADS as ADS, ID, RelayBench, SOTW_ADS as SOTW, until } from './relay.fixture.ts';

const SDS = '/envoy.service.secret.v3.SecretDiscoveryService/DeltaSecrets';
const SOTW_SDS = '/envoy.service.secret.v3.SecretDiscoveryService/StreamSecrets';

const bench = await RelayBench.create();
afterEach(() => bench.end());
after(() => bench.remove());

test('bytes of either kind of stream go both ways as they are, under the workload’s own certificate', async () => {
  const { address, accepted } = await bench.controlPlane();
  const { call } = await bench.relay(address);
  for (const path of [ADS, SOTW]) {
    const { peer, stream } = call(path);
    const sizes = [0, 1, 4_000, 2_500_000];
    for (const size of sizes) stream.send(new Uint8Array(size).fill(size & 255));
    await until('accepted', () => accepted.some((each) => each.path === path));
    const served = accepted.at(-1);
    assert.ok(served);
    await until('all came', () => served.peer.messages.length === sizes.length);
    assert.deepEqual([served.path, served.certificate?.uris], [path, [ID]]);
    assert.ok(served.peer.messages.every((bytes, i) => bytes.every((byte) => byte === ((sizes[i] ?? 0) & 255))));
    for (const size of sizes) served.stream.send(new Uint8Array(size).fill(size & 255));
    await until('all came back', () => peer.messages.length === sizes.length);
    assert.deepEqual(
      peer.messages.map(({ length }) => length),
      sizes,
    );
    served.stream.end({ code: 7, message: 'the node is not yours' });
    await until('ended', () => peer.status !== null);
    assert.deepEqual(peer.status, { code: 7, message: 'the node is not yours' });
  }
});

test('who takes nothing holds up the sender, and not the relay’s memory', async () => {
  const { address, accepted } = await bench.controlPlane();
  const { call } = await bench.relay(address);
  const { peer, stream } = call(ADS);
  stream.send(new Uint8Array(1));
  await until('open', () => accepted[0]?.peer.messages.length === 1);
  const served = accepted[0];
  assert.ok(served);
  const total = 300;
  const flood = (from: RpcStream, told: Peer): (() => number) => {
    let sent = 0;
    const fill = (): void => {
      for (; sent < total && from.writable; sent++) from.send(new Uint8Array(100_000));
    };
    told.onWritableDo = fill;
    fill();
    return () => sent;
  };
  for (const [from, told, to, receiver] of [
    [served.stream, served.peer, stream, peer],
    [stream, peer, served.stream, served.peer],
  ] as const) {
    const before = receiver.messages.length;
    to.pause();
    const sent = flood(from, told);
    await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(sent() < total / 2, `${sent()} were taken of a sender whose receiver stands still`);
    to.resume();
    await until('all came', () => receiver.messages.length === before + total);
  }
});

test('a control plane that is away is UNAVAILABLE, and the next stream finds it when it is back', async () => {
  const first = await bench.controlPlane();
  const { call } = await bench.relay(first.address);
  const cut = call(ADS);
  cut.stream.send(new Uint8Array(1));
  await until('open', () => first.accepted.length === 1);
  await first.listener.close();
  await until('cut', () => cut.peer.status !== null);
  assert.equal(cut.peer.status?.code, 14);
  const refused = call(ADS);
  await until('refused', () => refused.peer.status !== null);
  assert.equal(refused.peer.status?.code, 14);
  const second = await bench.controlPlane(first.address);
  const again = call(ADS);
  again.stream.send(new Uint8Array(1));
  await until('back', () => second.accepted[0]?.peer.messages.length === 1);
  again.stream.destroy();
  await until('gone', () => second.accepted[0]?.peer.status !== null);
});

test('the identity comes by SDS, with its key, and again when it is renewed; nothing of it reaches the control plane', async () => {
  const { address, accepted } = await bench.controlPlane();
  const { call, svid } = await bench.relay(address);
  const { peer, stream } = call(SDS);
  const responses = (): DeltaDiscoveryResponse[] =>
    peer.messages.map((message) => decode(DeltaDiscoveryResponseTable, message));
  const ask = (names: readonly string[], responseNonce = ''): void => {
    const request = { typeUrl: TYPE_URLS.secret, resourceNamesSubscribe: names, responseNonce };
    stream.send(encode(DeltaDiscoveryRequestTable, create(DeltaDiscoveryRequestTable, request)));
  };
  ask(['default', 'trust-bundle']);
  await until('both', () => peer.messages.length === 1);
  assert.deepEqual(
    secretsIn(responses()[0]).map(({ name }) => name),
    ['default', 'trust-bundle'],
  );
  assert.equal(keyIn(secretsIn(responses()[0])[0]), svid.current()?.privateKeyPem);
  ask([], responses()[0]?.nonce);
  svid.set(await bench.svid());
  await until('renewed', () => peer.messages.length === 2);
  const renewed = secretsIn(responses()[1]);
  assert.deepEqual([renewed.length, keyIn(renewed[0])], [1, svid.current()?.privateKeyPem]);
  stream.send(new Uint8Array([255]));
  await until('refused', () => peer.status !== null);
  assert.equal(peer.status?.code, 3);
  assert.deepEqual(accepted, []);
});

test('the same in the state-of-the-world variant: whole answers, and a new one when the identity changes', async () => {
  const { address } = await bench.controlPlane();
  const { call, svid } = await bench.relay(address);
  const { peer, stream } = call(SOTW_SDS);
  const keys = (): string[] =>
    peer.messages.map((message) => {
      const [only] = decode(DiscoveryResponseTable, message).resources;
      return keyIn(decode(SecretTable, only?.value ?? new Uint8Array()));
    });
  const request = { typeUrl: TYPE_URLS.secret, resourceNames: ['default'] };
  stream.send(encode(DiscoveryRequestTable, create(DiscoveryRequestTable, request)));
  await until('it came', () => peer.messages.length === 1);
  const [nonce] = peer.messages.map((message) => decode(DiscoveryResponseTable, message).nonce);
  const acknowledged = { ...request, responseNonce: nonce ?? '' };
  stream.send(encode(DiscoveryRequestTable, create(DiscoveryRequestTable, acknowledged)));
  const first = svid.current()?.privateKeyPem;
  svid.set(await bench.svid());
  await until('renewed', () => peer.messages.length === 2);
  assert.deepEqual(keys(), [first, svid.current()?.privateKeyPem]);
  stream.destroy();
});

test('on loopback, where others could ask, there is no SDS; elsewhere nothing but what a data plane needs', async () => {
  const { address, accepted } = await bench.controlPlane();
  const loopback = await bench.relay(address, { isPrivate: false });
  const csds = '/envoy.service.status.v3.ClientStatusDiscoveryService/StreamClientStatus';
  for (const path of [SDS, SOTW_SDS, csds, '/weft/any']) {
    const { peer } = loopback.call(path);
    await until('refused', () => peer.status !== null);
    assert.equal(peer.status?.code, 12);
  }
  const { stream } = loopback.call(ADS);
  stream.send(new Uint8Array(1));
  await until('relayed', () => accepted.length === 1);
});

test('streams are bounded, and one that ends makes room', async () => {
  const { address, accepted } = await bench.controlPlane();
  const { call } = await bench.relay(address);
  const calls = Array.from({ length: 33 }, () => call(ADS));
  await until('one is refused', () => calls.some(({ peer }) => peer.status !== null));
  assert.deepEqual(
    calls.flatMap(({ peer }) => (peer.status === null ? [] : [peer.status.code])),
    [8],
  );
  await until('the others are there', () => accepted.length === 32);
  calls[0]?.stream.destroy();
  await until('gone', () => accepted.some(({ peer }) => peer.status !== null));
  call(ADS).stream.send(new Uint8Array(1));
  await until('room', () => accepted.length === 33);
});

test('a workload without a valid identity gets no stream to the control plane and no secret', async () => {
  const { address, accepted } = await bench.controlPlane();
  const { call, svid } = await bench.relay(address);
  const expired = { ...(await bench.svid()), notAfter: Date.now() - 1 };
  svid.set(expired);
  const { peer } = call(ADS);
  await until('refused', () => peer.status !== null);
  assert.deepEqual([peer.status?.code, accepted.length], [14, 0]);
  const secrets = call(SDS);
  const asked = create(DeltaDiscoveryRequestTable, { typeUrl: TYPE_URLS.secret, resourceNamesSubscribe: ['default'] });
  secrets.stream.send(encode(DeltaDiscoveryRequestTable, asked));
  await new Promise((resolve) => setTimeout(resolve, 50));
  const valid = await bench.svid();
  svid.set(valid);
  await until('one came', () => secrets.peer.messages.length > 0);
  const [first] = secrets.peer.messages.map((message) => decode(DeltaDiscoveryResponseTable, message));
  assert.equal(keyIn(secretsIn(first)[0]), valid.privateKeyPem, 'the expired one was never offered');
  secrets.stream.destroy();
});

function secretsIn(response: DeltaDiscoveryResponse | undefined): Secret[] {
  return (response?.resources ?? []).map((resource) =>
    decode(SecretTable, resource.resource?.value ?? new Uint8Array()),
  );
}

function keyIn(secret: Secret | undefined): string {
  const key = secret?.type.case === 'tlsCertificate' ? secret.type.value.privateKey?.specifier : undefined;
  return key?.case === 'inlineBytes' ? Buffer.from(key.value).toString('utf8') : '';
}
