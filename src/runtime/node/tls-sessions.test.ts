/**
 * Sessions are resumed where that is safe, and nobody gets in by a ticket who would not get in without it. The other
 * end is Node's own TLS, which tells what happened and can be made to cheat.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { before, test, type TestContext } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import type { Address, PeerCertificate, SessionTickets, TlsIdentity, TlsOptions } from '../../core/runtime.ts';
import { type Authority, createAuthority } from '../test/certificates.ts';
import { type Harness, nodeHarness } from '../test/harness.ts';
import { Recorder } from '../test/recorder.ts';
import { rawKind } from '../raw/raw-kind.ts';
import { type KeptSession, keepSession, sessionFor } from './tls-sessions.ts';

const SERVER_ID = 'spiffe://weft.test/ns/shop/sa/catalog';
const CLIENT_ID = 'spiffe://weft.test/ns/shop/sa/web';
const LOCAL: Address = { host: '127.0.0.1', port: 0 };

let authority: Authority;
let serverIdentity: TlsIdentity;
let clientIdentity: TlsIdentity;

before(async () => {
  authority = await createAuthority('weft test root');
  serverIdentity = await authority.issue({ uris: [SERVER_ID] });
  clientIdentity = await authority.issue({ uris: [CLIENT_ID] });
});

function options(role: 'client' | 'server', identity: TlsIdentity, parts: Partial<TlsOptions> = {}): TlsOptions {
  return {
    role,
    identity,
    alpn: ['weft-tcp'],
    serverName: role === 'client' ? 'catalog.mesh.weft.test' : null,
    requirePeerCertificate: true,
    verifyPeer: null,
    ...parts,
  };
}

function pemOf(identity: TlsIdentity): { cert?: string; key?: string; ca: string } {
  const { certificateChainPem: cert, privateKeyPem: key, trustBundlePem: ca } = identity;
  return cert === '' ? { ca } : { cert, key, ca };
}

// Our client, and a server of Node's.

interface NodeServer {
  readonly address: Address;
  /** Of each handshake: whether it was a resumed one. */
  readonly resumed: boolean[];
}

async function nodeServer(t: TestContext, identity = serverIdentity): Promise<NodeServer> {
  const resumed: boolean[] = [];
  const server = createServer(
    { ...pemOf(identity), ALPNProtocols: ['weft-tcp'], requestCert: true, rejectUnauthorized: true },
    (socket) => {
      resumed.push(socket.isSessionReused());
      socket.on('error', () => {});
      socket.end('bye');
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return { address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port }, resumed };
}

/** Connects, reads to the end, and returns who was met or why not. */
async function visit(
  { runtime: { net }, until }: Harness,
  to: Address,
  tls: TlsOptions,
): Promise<PeerCertificate | string> {
  const side = new Recorder();
  const connection = net.secure(net.connect(to, new Recorder()), tls, side);
  await until('visited', () => side.closed || side.events.includes('end'));
  const peer = connection.info.tls?.peer ?? null;
  connection.destroy('');
  return peer ?? side.reason ?? '';
}

const sockets = rawKind();
const harnesses = [nodeHarness(), ...(sockets === null ? [] : [nodeHarness('node, raw handles', { sockets })])];

for (const harness of harnesses) {
  test(`${harness.name}: a client resumes, knows the same peer and asks again whether it may be met`, async (t) => {
    const server = await nodeServer(t);
    const asked: PeerCertificate[] = [];
    let verdict: string | null = null;
    const verifyPeer = (peer: PeerCertificate): string | null => {
      asked.push(peer);
      return verdict;
    };
    const identity = { ...clientIdentity };
    const tls = options('client', identity, { verifyPeer });
    const first = await visit(harness, server.address, tls);
    const second = await visit(harness, server.address, tls);
    assert.deepEqual(server.resumed, [false, true]);
    assert.deepEqual((second as PeerCertificate).uris, [SERVER_ID]);
    assert.deepEqual(second, first);
    assert.deepEqual(asked, [first, first]);
    verdict = 'no longer welcome';
    assert.equal(await visit(harness, server.address, tls), 'tls: no longer welcome');
    assert.equal(asked.length, 3);
  });

  test(`${harness.name}: a server resumes, knows the same peer and asks again whether it may be let in`, async (t) => {
    const asked: PeerCertificate[] = [];
    let verdict: string | null = null;
    const verifyPeer = (peer: PeerCertificate): string | null => {
      asked.push(peer);
      return verdict;
    };
    const server = await ourServer(t, harness, options('server', serverIdentity, { verifyPeer }));
    const first = await knock(server.address, clientIdentity);
    assert.equal(first.resumed, false);
    const second = await knock(server.address, clientIdentity, first.ticket);
    assert.deepEqual([second.resumed, second.text], [true, 'welcome']);
    assert.deepEqual(asked[1]?.uris, [CLIENT_ID]);
    assert.deepEqual(asked[1], asked[0]);
    verdict = 'no longer welcome';
    assert.equal((await knock(server.address, clientIdentity, first.ticket)).text, '');
    assert.equal(server.sides.at(-1)?.reason, 'tls: no longer welcome');
  });
}

const [harness = nodeHarness()] = harnesses;

test('another identity of the client, another server name or destination begins anew', async (t) => {
  const server = await nodeServer(t);
  const identity = { ...clientIdentity };
  await visit(harness, server.address, options('client', identity));
  await visit(harness, server.address, options('client', { ...clientIdentity }));
  await visit(harness, server.address, options('client', identity, { serverName: 'other.mesh.weft.test' }));
  assert.deepEqual(server.resumed, [false, false, false]);
  const other = await nodeServer(t);
  await visit(harness, other.address, options('client', identity));
  assert.deepEqual(other.resumed, [false]);
  await visit(harness, server.address, options('client', identity));
  assert.deepEqual(server.resumed, [false, false, false, true]);
});

test('a server that was refused leaves no session behind', async (t) => {
  const server = await nodeServer(t);
  const identity = { ...clientIdentity };
  const refuse = options('client', identity, { verifyPeer: () => 'wrong one' });
  assert.equal(await visit(harness, server.address, refuse), 'tls: wrong one');
  await visit(harness, server.address, options('client', identity));
  assert.equal(server.resumed.at(-1), false);
});

test('a session is not offered when the peer’s certificate has expired, and the oldest of too many is forgotten', () => {
  const identity = { ...clientIdentity };
  const peer = { uris: [], dnsNames: [], commonName: '', notAfter: 5_000, serialNumber: '', extendedKeyUsages: [] };
  const session: KeptSession = { ticket: Buffer.alloc(1), peer };
  for (let i = 0; i < 257; i++) keepSession(identity, `${i}`, session);
  assert.equal(sessionFor(identity, '0', 4_999), null);
  assert.equal(sessionFor(identity, '1', 4_999), session);
  assert.equal(sessionFor({ ...clientIdentity }, '1', 4_999), null);
  assert.equal(sessionFor(identity, '1', 5_000), null);
  assert.equal(sessionFor(identity, '1', 4_999), null, 'and it is gone for good');
});

// Our server, and a client of Node's that offers what it likes.

interface OurServer {
  readonly address: Address;
  /** One for each connection. */
  readonly sides: readonly Recorder[];
  /** From the next connection on. */
  use(tls: TlsOptions): void;
}

async function ourServer(t: TestContext, { runtime: { net } }: Harness, first: TlsOptions): Promise<OurServer> {
  let tls = first;
  const sides: Recorder[] = [];
  const listener = await net.listen(LOCAL, (plain) => {
    const side = new Recorder();
    sides.push(side);
    const secured = net.secure(plain, tls, side);
    side.onOpenDo = () => {
      secured.write(Buffer.from('welcome'), 0, 7);
      secured.end();
    };
    side.onEndDo = () => secured.end();
    return new Recorder();
  });
  t.after(() => listener.close());
  return { address: listener.address, sides, use: (next) => (tls = next) };
}

interface Knock {
  readonly resumed: boolean;
  readonly text: string;
  readonly ticket: Buffer | undefined;
}

/** What comes of it when a client with these certificates offers that ticket. */
async function knock(to: Address, identity: TlsIdentity, session?: Buffer): Promise<Knock> {
  const socket: TLSSocket = connect({
    ...to,
    ...pemOf(identity),
    ALPNProtocols: ['weft-tcp'],
    rejectUnauthorized: false,
    ...(session === undefined ? {} : { session }),
  });
  let resumed = false;
  let text = '';
  let ticket: Buffer | undefined;
  socket.on('secureConnect', () => (resumed = socket.isSessionReused()));
  socket.on('session', (each) => (ticket = each));
  socket.setEncoding('utf8').on('data', (part: string) => (text += part));
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('close', resolve));
  return { resumed, text, ticket };
}

test('whoever was refused for its certificate, or for having none, gets in by no ticket', async (t) => {
  const strict = options('server', serverIdentity);
  const server = await ourServer(t, harness, strict);
  const foreign = await (await createAuthority('foreign root')).issue({ uris: [CLIENT_ID] }, authority.rootPem);
  const anonymous = { certificateChainPem: '', privateKeyPem: '', trustBundlePem: authority.rootPem };
  for (const identity of [foreign, anonymous]) {
    const { text, ticket } = await knock(server.address, identity);
    assert.equal(text, '');
    assert.equal((await knock(server.address, identity, ticket)).text, '');
    assert.match(server.sides.at(-1)?.reason ?? '', /unknown authority|no certificate/);
  }
  server.use({ ...strict, requirePeerCertificate: false });
  const asNobody = await knock(server.address, anonymous);
  assert.equal(asNobody.text, 'welcome');
  assert.equal((await knock(server.address, anonymous, asNobody.ticket)).resumed, true);
  server.use(strict);
  const again = await knock(server.address, anonymous, asNobody.ticket);
  assert.deepEqual([again.resumed, again.text], [false, '']);
});

test('a ticket ends with the certificate that it was given for', async (t) => {
  const server = await ourServer(t, harness, options('server', serverIdentity));
  const shortLived = await authority.issue({ uris: [CLIENT_ID], notAfterMs: 2_500 });
  const { ticket } = await knock(server.address, shortLived);
  const soon = await knock(server.address, shortLived, ticket);
  assert.deepEqual([soon.resumed, soon.text], [true, 'welcome']);
  await harness.pass(3_000);
  const late = await knock(server.address, shortLived, soon.ticket ?? ticket);
  assert.equal(late.text, '');
  assert.equal(server.sides.at(-1)?.reason, 'tls: peer certificate has expired');
});

test('a renewed identity of the server, or another trust bundle, knows no ticket of before', async (t) => {
  const server = await ourServer(t, harness, options('server', serverIdentity));
  const { ticket } = await knock(server.address, clientIdentity);
  server.use(options('server', { ...serverIdentity }));
  const renewed = await knock(server.address, clientIdentity, ticket);
  assert.deepEqual([renewed.resumed, renewed.text], [false, 'welcome']);
  const otherRoot = (await createAuthority('another root')).rootPem;
  server.use(options('server', { ...serverIdentity, trustBundlePem: otherRoot }));
  const distrusted = await knock(server.address, clientIdentity, renewed.ticket);
  assert.deepEqual([distrusted.resumed, distrusted.text], [false, '']);
});

// The same server after a restart: another process is another context, another certificate and the same key of tickets.

const TICKETS: SessionTickets = { key: new Uint8Array(48).fill(7), lifetimeMs: 86_400_000 };

async function restarted(parts: Partial<TlsIdentity> = {}): Promise<TlsIdentity> {
  return { ...(await authority.issue({ uris: [SERVER_ID] })), tickets: TICKETS, ...parts };
}

test('a server with the key takes tickets of before, knows who they are of and asks again; with another it does not', async (t) => {
  const asked: PeerCertificate[] = [];
  let verdict: string | null = null;
  const verifyPeer = (peer: PeerCertificate): string | null => {
    asked.push(peer);
    return verdict;
  };
  const server = await ourServer(t, harness, options('server', await restarted(), { verifyPeer }));
  const { ticket } = await knock(server.address, clientIdentity);
  server.use(options('server', await restarted(), { verifyPeer }));
  const again = await knock(server.address, clientIdentity, ticket);
  assert.deepEqual([again.resumed, again.text], [true, 'welcome']);
  assert.deepEqual(asked[1], asked[0]);
  assert.deepEqual(asked[1]?.uris, [CLIENT_ID]);
  verdict = 'revoked meanwhile';
  assert.equal((await knock(server.address, clientIdentity, ticket)).text, '');
  assert.equal(server.sides.at(-1)?.reason, 'tls: revoked meanwhile');
  verdict = null;
  const tickets = { ...TICKETS, key: new Uint8Array(48).fill(8) };
  server.use(options('server', await restarted({ tickets }), { verifyPeer }));
  const other = await knock(server.address, clientIdentity, ticket);
  assert.deepEqual([other.resumed, other.text], [false, 'welcome']);
});

test('over a restart too, a ticket ends with the certificate that it was given for, and nobody becomes somebody', async (t) => {
  const first = options('server', await restarted());
  const server = await ourServer(t, harness, first);
  const shortLived = await authority.issue({ uris: [CLIENT_ID], notAfterMs: 1_500 });
  const { ticket } = await knock(server.address, shortLived);
  const anonymous = { certificateChainPem: '', privateKeyPem: '', trustBundlePem: authority.rootPem };
  server.use({ ...first, requirePeerCertificate: false });
  const asNobody = await knock(server.address, anonymous);
  server.use(options('server', await restarted()));
  assert.equal((await knock(server.address, anonymous, asNobody.ticket)).text, '');
  await harness.pass(2_000);
  assert.equal((await knock(server.address, shortLived, ticket)).text, '');
  assert.equal(server.sides.at(-1)?.reason, 'tls: peer certificate has expired');
});

test('a client resumes with a server that was restarted, and asks again whether it may be met', async (t) => {
  const server = await ourServer(t, harness, options('server', await restarted()));
  const asked: PeerCertificate[] = [];
  const verifyPeer = (peer: PeerCertificate): string | null => {
    asked.push(peer);
    return null;
  };
  const tls = options('client', { ...clientIdentity }, { verifyPeer });
  await visit(harness, server.address, tls);
  const next = await restarted();
  server.use(options('server', next));
  await visit(harness, server.address, tls);
  // A resumed handshake shows no certificate: who was met is who was met before.
  assert.equal(asked[1], asked[0]);
  assert.deepEqual(asked[1]?.uris, [SERVER_ID]);
});
