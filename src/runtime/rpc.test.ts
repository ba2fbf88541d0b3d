/** One suite, every runtime: RPC streams, their statuses, their back-pressure and their ends. */
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import type {
  Address,
  Listener,
  PeerCertificate,
  RpcHandler,
  RpcStatus,
  RpcStream,
  TlsIdentity,
  TlsOptions,
} from '../core/runtime.ts';
import { anonymous, createAuthority } from './test/certificates.ts';
import { silentLog } from '../core/log.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { servingRpcOverHttp2 } from '../xds/rpc/rpc-over-http2.ts';
import { type SocketKind, streamKind } from './node/socket-kind.ts';
import { rawKind } from './raw/raw-kind.ts';
import { allHarnesses, type Harness, nodeHarness } from './test/harness.ts';

const ANY: Address = { host: '127.0.0.1', port: 0 };

let serverIdentity: TlsIdentity;
let clientIdentity: TlsIdentity;

before(async () => {
  const authority = await createAuthority('weft test root');
  serverIdentity = await authority.issue({ uris: ['spiffe://weft.test/ns/weft-system/sa/control-plane'] });
  clientIdentity = await authority.issue({ uris: ['spiffe://weft.test/ns/shop/sa/web'] });
});

class Caller implements RpcHandler {
  readonly messages: Uint8Array[] = [];
  status: RpcStatus | null = null;
  writables = 0;
  onMessageDo: ((message: Uint8Array) => void) | null = null;
  onWritableDo: (() => void) | null = null;

  onMessage(message: Uint8Array): void {
    assert.equal(this.status, null, 'a message after the close');
    this.messages.push(message);
    this.onMessageDo?.(message);
  }

  onWritable(): void {
    this.writables++;
    this.onWritableDo?.();
  }

  onClose(status: RpcStatus): void {
    assert.equal(this.status, null, 'closed twice');
    this.status = status;
  }
}

interface Served {
  readonly listener: Listener;
  readonly streams: RpcStream[];
  readonly callees: Caller[];
  readonly paths: string[];
  readonly peers: (PeerCertificate | null)[];
}

async function serve(harness: Harness, tls: TlsOptions | null, refuse: RpcStatus | null = null): Promise<Served> {
  const served = {
    streams: [] as RpcStream[],
    callees: [] as Caller[],
    paths: [] as string[],
    peers: [] as (PeerCertificate | null)[],
  };
  const listener = await harness.runtime.rpc.serve(ANY, tls, (stream, path, peer) => {
    served.paths.push(path);
    served.peers.push(peer);
    if (refuse !== null) return refuse;
    const callee = new Caller();
    callee.onMessageDo = (message) => stream.send(message);
    served.streams.push(stream);
    served.callees.push(callee);
    return callee;
  });
  return { listener, ...served };
}

function tlsOf(
  role: 'client' | 'server',
  identity: TlsIdentity,
  verifyPeer: TlsOptions['verifyPeer'] = null,
): TlsOptions {
  return {
    role,
    identity,
    alpn: ['h2'],
    serverName: role === 'client' ? 'localhost' : null,
    requirePeerCertificate: true,
    verifyPeer,
  };
}

/** The HTTP/2 that the proxy has, on Node's sockets: what serves and calls in the programs themselves. */
function ownHttp2(name: string, sockets: SocketKind): Harness {
  const harness = nodeHarness(name, { sockets });
  const { runtime } = harness;
  const rpc = servingRpcOverHttp2({ ...runtime, timers: new TimerWheel(runtime.clock) }, silentLog);
  return { ...harness, runtime: { ...runtime, rpc } };
}

const raw = rawKind(16_000);
const own = [
  ownHttp2('our own HTTP/2', streamKind),
  ...(raw === null ? [] : [ownHttp2('our own HTTP/2, raw handles', raw)]),
];

for (const harness of [...own, ...allHarnesses().filter(({ name }) => name !== 'sim, seed 3')]) {
  suite(`rpc, ${harness.name}`, () => {
    const { rpc } = harness.runtime;

    test('messages of every size go both ways in order, the peer is known, and the server ends with a status', async () => {
      const { listener, streams, callees, paths, peers } = await serve(harness, tlsOf('server', serverIdentity));
      const caller = new Caller();
      const target = { address: listener.address, tls: tlsOf('client', clientIdentity) };
      const stream = rpc.open(target, '/envoy.service.discovery.v3/Delta', caller);
      const sizes = [0, 1, 5, 2047, 2048, 16_384, 70_000, 3_000_000];
      for (const size of sizes) stream.send(new Uint8Array(size).fill(size % 251));
      await harness.until('echoes', () => caller.messages.length === sizes.length);
      assert.deepEqual(
        caller.messages.map((message) => message.length),
        sizes,
      );
      assert.ok(caller.messages.every((message) => message.every((byte) => byte === message.length % 251)));
      assert.deepEqual(paths, ['/envoy.service.discovery.v3/Delta']);
      assert.deepEqual(peers[0]?.uris, ['spiffe://weft.test/ns/shop/sa/web']);
      streams[0]?.end({ code: 7, message: 'not you: ä %' });
      await harness.until('closed', () => caller.status !== null && callees[0]?.status !== null);
      assert.deepEqual(caller.status, { code: 7, message: 'not you: ä %' });
      assert.deepEqual(callees[0]?.status, { code: 7, message: 'not you: ä %' });
      stream.send(new Uint8Array(1));
      assert.equal(stream.writable, false);
      await listener.close();
    });

    test('a stream that is refused gets the status of the refusal and nothing else', async () => {
      const { listener } = await serve(harness, null, { code: 12, message: 'no such method' });
      const caller = new Caller();
      rpc.open({ address: listener.address, tls: null }, '/no/such', caller).send(new Uint8Array(10));
      await harness.until('refusal', () => caller.status !== null);
      assert.deepEqual(caller.status, { code: 12, message: 'no such method' });
      assert.equal(caller.messages.length, 0);
      await listener.close();
    });

    test('when the client half-closes, the stream ends with OK at both ends', async () => {
      const { listener, callees } = await serve(harness, null);
      const caller = new Caller();
      const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', caller);
      stream.send(new Uint8Array(3));
      stream.end();
      await harness.until('closed', () => caller.status !== null && callees[0]?.status !== null);
      assert.deepEqual([caller.status?.code, callees[0]?.status?.code], [0, 0]);
      assert.equal(caller.messages.length, 1);
      await listener.close();
    });

    test('a server that goes away is status 14 with a cause; nobody there is 14 with the address', async () => {
      const { listener, streams } = await serve(harness, null);
      const caller = new Caller();
      rpc.open({ address: listener.address, tls: null }, '/a/b', caller).send(new Uint8Array(3));
      await harness.until('open', () => streams.length === 1 && caller.messages.length === 1);
      await listener.close();
      await harness.until('gone', () => caller.status !== null);
      assert.equal(caller.status?.code, 14);
      assert.notEqual(caller.status?.message, '');
      const late = new Caller();
      const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', late);
      stream.send(new Uint8Array(3));
      await harness.until('refused', () => late.status !== null);
      assert.deepEqual(late.status, { code: 14, message: `connect: ECONNREFUSED 127.0.0.1:${listener.address.port}` });
    });

    test('a client that is destroyed is gone for its server', async () => {
      const { listener, callees } = await serve(harness, null);
      const caller = new Caller();
      const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', caller);
      stream.send(new Uint8Array(3));
      await harness.until('open', () => caller.messages.length === 1);
      stream.destroy();
      assert.equal(caller.status?.code, 1, 'at once');
      await harness.until('server told', () => callees[0]?.status !== null);
      assert.ok([1, 14].includes(callees[0]?.status?.code ?? 0));
      await listener.close();
    });

    test('a sender that looks at writable is held while the peer is slow, and told when to go on', async () => {
      const { listener, callees } = await serve(harness, null);
      const caller = new Caller();
      const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', caller);
      const total = 200;
      let sent = 0;
      const fill = (): void => {
        while (sent < total && stream.writable) {
          stream.send(new Uint8Array(100_000));
          sent++;
        }
      };
      caller.onWritableDo = fill;
      fill();
      assert.ok(sent < total, 'held');
      await harness.until('all', () => callees[0]?.messages.length === total && caller.messages.length === total);
      assert.ok(caller.writables > 0);
      stream.end();
      await harness.until('closed', () => caller.status !== null);
      await listener.close();
    });

    test('a receiver that pauses is sent no more than what is under way, and the rest when it goes on', async () => {
      const { listener, callees, streams } = await serve(harness, null);
      const caller = new Caller();
      const stream = rpc.open({ address: listener.address, tls: null }, '/a/b', caller);
      stream.send(new Uint8Array(1));
      await harness.until('open', () => caller.messages.length === 1);
      const [callee, served] = [callees[0], streams[0]];
      assert.ok(callee && served);
      callee.onMessageDo = null;
      served.pause();
      const total = 300;
      let sent = 0;
      const fill = (): void => {
        for (; sent < total && stream.writable; sent++) stream.send(new Uint8Array(100_000));
      };
      caller.onWritableDo = fill;
      fill();
      await harness.pass(100);
      assert.ok(callee.messages.length < total / 2 && sent < total, `${callee.messages.length} came, ${sent} sent`);
      served.resume();
      await harness.until('all', () => callee.messages.length === total + 1);
      stream.destroy();
      await listener.close();
    });

    test('who is not trusted gets no stream, at either end', async () => {
      const { listener, paths } = await serve(harness, tlsOf('server', serverIdentity));
      const nobody = new Caller();
      const { address } = listener;
      const none = anonymous(clientIdentity.trustBundlePem);
      rpc.open({ address, tls: tlsOf('client', none) }, '/a/b', nobody).send(new Uint8Array(1));
      const picky = new Caller();
      const wrong = tlsOf('client', clientIdentity, () => 'expected somebody else');
      rpc.open({ address, tls: wrong }, '/a/b', picky).send(new Uint8Array(1));
      await harness.until('both refused', () => nobody.status !== null && picky.status !== null);
      assert.equal(nobody.status?.code, 14);
      assert.deepEqual(picky.status, { code: 14, message: 'tls: expected somebody else' });
      assert.deepEqual(paths, [], 'no stream reached the server');
      await listener.close();
    });
  });
}
