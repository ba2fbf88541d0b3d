/** One suite, every runtime: who is let in over TLS, who is not, and what each side is told. */
import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { bytesOf } from '../core/bytes.ts';
import type { Address, Connection, Listener, TlsIdentity, TlsOptions } from '../core/runtime.ts';
import { anonymous, type Authority, CLIENT_AUTH, createAuthority, SERVER_AUTH } from './test/certificates.ts';
import { allHarnesses, type Harness } from './test/harness.ts';
import { Recorder } from './test/recorder.ts';

const ANY: Address = { host: '127.0.0.1', port: 0 };
const SERVER_ID = 'spiffe://weft.test/ns/shop/sa/catalog';
const CLIENT_ID = 'spiffe://weft.test/ns/shop/sa/web';

let authority: Authority;
let foreign: Authority;
let serverIdentity: TlsIdentity;
let clientIdentity: TlsIdentity;

before(async () => {
  authority = await createAuthority('weft test root');
  foreign = await createAuthority('foreign root');
  serverIdentity = await authority.issue({ uris: [SERVER_ID] });
  clientIdentity = await authority.issue({ uris: [CLIENT_ID] });
});

function server(options: Partial<TlsOptions> = {}): TlsOptions {
  return {
    role: 'server',
    identity: serverIdentity,
    alpn: ['weft-tcp'],
    serverName: null,
    requirePeerCertificate: true,
    verifyPeer: null,
    ...options,
  };
}

function client(options: Partial<TlsOptions> = {}): TlsOptions {
  return {
    role: 'client',
    identity: clientIdentity,
    alpn: ['weft-tcp'],
    serverName: 'catalog.shop.mesh.weft.test',
    requirePeerCertificate: true,
    verifyPeer: null,
    ...options,
  };
}

interface Meeting {
  readonly clientSide: Recorder;
  readonly serverSide: Recorder;
  readonly client: Connection;
  readonly server: Connection;
  readonly listener: Listener;
}

/** Both ends greet as soon as they may, and before. */
async function meet(harness: Harness, serverTls: TlsOptions, clientTls: TlsOptions, peek = false): Promise<Meeting> {
  const { net } = harness.runtime;
  const serverSide = new Recorder();
  const accepted: Connection[] = [];
  const secure = (plain: Connection): void => {
    const secured = net.secure(plain, serverTls, serverSide);
    secured.write(bytesOf('from server'), 0, 11);
    accepted.push(secured);
  };
  const listener = await net.listen(ANY, (plain) => {
    const detector = new Recorder();
    if (!peek) {
      secure(plain);
      return detector;
    }
    detector.onData = (bytes, start, end) => {
      if (end - start < 3 && detector.byteCount < 3) return;
      plain.unread(bytes, start, end);
      secure(plain);
    };
    return detector;
  });
  const clientSide = new Recorder();
  const secured = net.secure(net.connect(listener.address, new Recorder()), clientTls, clientSide);
  secured.write(bytesOf('from client'), 0, 11);
  await harness.until('the ends met', () => {
    const done = (side: Recorder, text: string): boolean =>
      side.closed || side.events.includes('end') || side.text === text;
    return accepted.length > 0 && done(serverSide, 'from client') && done(clientSide, 'from server');
  });
  return { clientSide, serverSide, client: secured, server: accepted[0] as Connection, listener };
}

async function refusedByServer(
  harness: Harness,
  serverTls: TlsOptions,
  clientTls: TlsOptions,
  reason: string,
): Promise<void> {
  const { clientSide, serverSide, listener } = await meet(harness, serverTls, clientTls);
  assert.equal(serverSide.reason, `tls: ${reason}`);
  assert.deepEqual(serverSide.events, ['close'], 'not opened, not one byte');
  await harness.until('the client learns', () => clientSide.closed || clientSide.events.includes('end'));
  assert.equal(clientSide.text, '');
  await listener.close();
}

async function refusedByClient(
  harness: Harness,
  serverTls: TlsOptions,
  clientTls: TlsOptions,
  reason: string,
): Promise<void> {
  const { clientSide, serverSide, listener } = await meet(harness, serverTls, clientTls);
  assert.equal(clientSide.reason, `tls: ${reason}`);
  assert.deepEqual(clientSide.events, ['close'], 'not opened, not one byte');
  await harness.until('the server learns', () => serverSide.closed || serverSide.events.includes('end'));
  assert.equal(serverSide.text, '', 'nothing of the client reached a peer that it refused');
  await listener.close();
}

for (const harness of allHarnesses().filter(({ name }) => name !== 'sim, seed 3')) {
  suite(`tls, ${harness.name}`, () => {
    test('a connection may be refused in the turn in which its handshake ends, however often', async () => {
      const { net } = harness.runtime;
      const listener = await net.listen(ANY, (plain) => {
        const side = new Recorder();
        const secured = net.secure(plain, server(), side);
        side.onOpenDo = () => secured.destroy('denied');
        return new Recorder();
      });
      for (let i = 0; i < 30; i++) {
        const side = new Recorder();
        const secured = net.secure(net.connect(listener.address, new Recorder()), client(), side);
        secured.write(bytesOf('from client'), 0, 11);
        await harness.until('the client was told', () => side.closed);
        assert.equal(side.text, '');
      }
      await listener.close();
    });

    test('both ends know each other by certificate before the first byte', async () => {
      const verified: string[] = [];
      const verify = (who: string) => (peer: { readonly uris: readonly string[] }) => {
        verified.push(`${who} sees ${peer.uris.join()}`);
        return null;
      };
      const meeting = await meet(
        harness,
        server({ verifyPeer: verify('server') }),
        client({ verifyPeer: verify('client') }),
      );
      const { clientSide, serverSide, listener } = meeting;
      assert.deepEqual(verified.sort(), [`client sees ${SERVER_ID}`, `server sees ${CLIENT_ID}`]);
      assert.deepEqual(clientSide.events, ['open', 'bytes']);
      assert.deepEqual(serverSide.events, ['open', 'bytes']);
      assert.deepEqual(meeting.server.info.tls?.peer?.uris, [CLIENT_ID]);
      assert.equal(meeting.server.info.tls?.serverName, 'catalog.shop.mesh.weft.test');
      assert.equal(meeting.client.info.tls?.alpn, 'weft-tcp');
      assert.deepEqual(meeting.client.info.remote, listener.address);
      assert.ok((meeting.client.info.tls?.peer?.notAfter ?? 0) > Date.now());
      meeting.client.end();
      serverSide.onEndDo = () => meeting.server.end();
      await harness.until('both closed in order', () => clientSide.closed && serverSide.closed);
      assert.deepEqual([clientSide.reason, serverSide.reason], ['', '']);
      await listener.close();
    });

    test('a ClientHello that was peeked at and given back is still read', async () => {
      const meeting = await meet(harness, server(), client(), true);
      assert.equal(meeting.serverSide.text, 'from client');
      meeting.client.destroy('');
      await meeting.listener.close();
    });

    test('a certificate of a foreign authority is refused, by either end', async () => {
      const stranger = await foreign.issue({ uris: [CLIENT_ID] }, authority.rootPem);
      await refusedByServer(
        harness,
        server(),
        client({ identity: stranger }),
        'peer certificate is from an unknown authority',
      );
      await refusedByClient(
        harness,
        server({ identity: stranger }),
        client(),
        'peer certificate is from an unknown authority',
      );
    });

    test('an expired certificate is refused, by either end', async () => {
      const old = await authority.issue({ uris: [CLIENT_ID], notBeforeMs: -7_200_000, notAfterMs: -3_600_000 });
      await refusedByServer(harness, server(), client({ identity: old }), 'peer certificate has expired');
      await refusedByClient(harness, server({ identity: old }), client(), 'peer certificate has expired');
    });

    test('a client without a certificate is refused, and told so', async () => {
      const tls = client({ identity: anonymous(authority.rootPem) });
      const { clientSide, serverSide, listener } = await meet(harness, server(), tls);
      assert.equal(serverSide.reason, 'tls: peer sent no certificate');
      assert.deepEqual(serverSide.events, ['close']);
      await harness.until('told', () => clientSide.closed);
      assert.equal(clientSide.reason, 'tls: peer requires a certificate');
      await listener.close();
    });

    test('a client without a certificate is let in where none is required, as nobody', async () => {
      const tls = client({ identity: anonymous(authority.rootPem) });
      const meeting = await meet(harness, server({ requirePeerCertificate: false }), tls);
      assert.equal(meeting.serverSide.text, 'from client');
      assert.equal(meeting.server.info.tls?.peer, null);
      meeting.client.destroy('');
      await meeting.listener.close();
    });

    test('where no certificate is required, a bad one is still refused', async () => {
      const stranger = await foreign.issue({ uris: [CLIENT_ID] }, authority.rootPem);
      const open = server({ requirePeerCertificate: false });
      await refusedByServer(
        harness,
        open,
        client({ identity: stranger }),
        'peer certificate is from an unknown authority',
      );
    });

    test('a certificate for servers only is no client certificate, and the other way round', async () => {
      const serverOnly = await authority.issue({ uris: [CLIENT_ID], usages: [SERVER_AUTH] });
      await refusedByServer(
        harness,
        server(),
        client({ identity: serverOnly }),
        'peer certificate is not for this use',
      );
      const clientOnly = await authority.issue({ uris: [SERVER_ID], usages: [CLIENT_AUTH] });
      await refusedByClient(
        harness,
        server({ identity: clientOnly }),
        client(),
        'peer certificate is not for this use',
      );
    });

    test('a peer of the wrong name is refused in the words of whoever checks', async () => {
      const verifyPeer = (): string => 'expected spiffe://weft.test/ns/shop/sa/other';
      const reason = 'expected spiffe://weft.test/ns/shop/sa/other';
      await refusedByServer(harness, server({ verifyPeer }), client(), reason);
      await refusedByClient(harness, server(), client({ verifyPeer }), reason);
    });

    test('a verification that throws refuses', async () => {
      const verifyPeer = (): never => {
        throw new Error('verifier broke');
      };
      await refusedByServer(harness, server({ verifyPeer }), client(), 'verifier broke');
      await refusedByClient(harness, server(), client({ verifyPeer }), 'verifier broke');
    });

    test('without a common protocol both ends refuse', async () => {
      const { clientSide, serverSide, listener } = await meet(harness, server(), client({ alpn: ['http/1.1'] }));
      assert.equal(serverSide.reason, 'tls: no common application protocol');
      assert.equal(clientSide.reason, 'tls: no common application protocol');
      await listener.close();
    });

    test('a client that offers no protocol to a server that wants one is refused', async () => {
      await refusedByServer(harness, server(), client({ alpn: [] }), 'no common application protocol');
    });

    test('a client that offered protocols does not talk to a server that chose none', async () => {
      await refusedByClient(harness, server({ alpn: [] }), client(), 'no common application protocol');
    });

    test('a server that requires certificates and trusts no root lets nobody in', async () => {
      const identity = { ...serverIdentity, trustBundlePem: '' };
      await refusedByServer(
        harness,
        server({ identity }),
        client(),
        'a certificate is required and no root is trusted',
      );
    });

    test('plain text sent to a TLS listener is refused and named', async () => {
      const { net } = harness.runtime;
      const side = new Recorder();
      const listener = await net.listen(ANY, (plain) => {
        net.secure(plain, server(), side);
        return new Recorder();
      });
      const plainSide = new Recorder();
      const plain = net.connect(listener.address, plainSide);
      plain.write(bytesOf('GET / HTTP/1.1\r\nhost: a\r\n\r\n'), 0, 27);
      await harness.until('refusal', () => side.closed);
      assert.equal(side.reason, 'tls: peer does not speak TLS');
      plain.destroy('');
      await listener.close();
    });

    test('names with commas and quotes in a certificate cannot be taken for two names', async () => {
      const uris = ['spiffe://weft.test/a, URI:spiffe://weft.test/b', 'spiffe://weft.test/"c"'];
      const odd = await authority.issue({ uris, dnsNames: ['a.test'] });
      const meeting = await meet(harness, server(), client({ identity: odd }));
      assert.deepEqual(meeting.server.info.tls?.peer?.uris, uris);
      assert.deepEqual(meeting.server.info.tls?.peer?.dnsNames, ['a.test']);
      meeting.client.destroy('');
      await meeting.listener.close();
    });

    test('a refused connect keeps its own reason when TLS was begun on it', async () => {
      const listener = await harness.runtime.net.listen(ANY, () => new Recorder());
      await listener.close();
      const side = new Recorder();
      harness.runtime.net.secure(harness.runtime.net.connect(listener.address, new Recorder()), client(), side);
      await harness.until('refusal', () => side.closed);
      assert.equal(side.reason, `connect: ECONNREFUSED 127.0.0.1:${listener.address.port}`);
    });

    test('destroying an end in the middle of the handshake ends both', async () => {
      const { net } = harness.runtime;
      const serverSide = new Recorder();
      let accepted: Connection | null = null;
      const listener = await net.listen(ANY, (plain) => {
        accepted = net.secure(plain, server(), serverSide);
        return new Recorder();
      });
      const side = new Recorder();
      const secured = net.secure(net.connect(listener.address, new Recorder()), client(), side);
      await harness.pass(1);
      secured.destroy('changed my mind');
      assert.deepEqual(side.events.at(-1), 'close');
      await harness.pass(50);
      // It may never have come that far; or have come through, and is told when it says something.
      await harness.until('so for the server', () => {
        if (serverSide.events[0] === 'open') accepted?.write(bytesOf('are you there?'), 0, 14);
        return serverSide.closed || serverSide.events.length === 0;
      });
      await listener.close();
    });

    test('a connection that is cut while it ends is gone, over TLS as well', async () => {
      const meeting = await meet(harness, server(), client());
      meeting.client.end();
      meeting.client.destroy('changed my mind');
      await harness.until('the server is told', () => {
        meeting.server.write(bytesOf('are you there?'), 0, 14);
        return meeting.serverSide.closed;
      });
      await meeting.listener.close();
    });

    test('a slow reader holds its writer over TLS as well', async () => {
      const meeting = await meet(harness, server(), client());
      const total = 8 * 1024 * 1024;
      const block = new Uint8Array(50_000).fill(7);
      let sent = 0;
      let peak = 0;
      const fill = (): void => {
        while (sent < total && meeting.client.backlog <= 65_536) {
          meeting.client.write(block, 0, block.length);
          sent += block.length;
        }
        peak = Math.max(peak, meeting.client.backlog);
        if (sent >= total) meeting.client.end();
      };
      meeting.clientSide.onDrainedDo = fill;
      meeting.server.pause();
      fill();
      await harness.pass(50);
      const before = meeting.serverSide.byteCount;
      assert.equal(before, 11, 'nothing while paused');
      assert.ok(sent < total);
      meeting.server.resume();
      await harness.until('all', () => meeting.serverSide.events.includes('end'));
      assert.equal(meeting.serverSide.byteCount, sent + 11);
      assert.ok(peak <= 65_536 + block.length + 65_536, `peak ${peak}`);
      meeting.server.destroy('');
      await meeting.listener.close();
    });
  });
}
