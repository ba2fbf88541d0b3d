import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  answerWith,
  get,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
  svidOf,
  TCP_PORT,
} from '../../test/support/sim-mesh.ts';

const TICK_MS = 20;
const RENEW_EVERY_MS = 250;
const RENEWALS = 6;
const UPGRADE =
  'connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ZHVtbXk=\r\n';

/** `<0><1><2>…` for as long as the connection lives, each in what `wrap` makes of it. */
function tick(mesh: SimMesh, peer: RawPeer, wrap: (text: string) => string): void {
  let count = 0;
  const next = (): void => {
    if (peer.connection.closed) return;
    peer.send(wrap(`<${count++}>`));
    mesh.sim.after(TICK_MS, next);
  };
  next();
}

function ticksIn(peer: RawPeer): number[] {
  return [...peer.text.matchAll(/<(\d+)>/g)].map(([, number]) => Number(number));
}

function inboundConnections(mesh: SimMesh, name: string): number {
  const listeners = mesh.services[0]?.plane.listeners.active ?? [];
  return listeners.find(({ config }) => config.name === name)?.connections ?? 0;
}

test('renewed identities move the inner hop to new connections, fail no request and cut no stream', async () => {
  const mesh: SimMesh = await startMesh({
    seed: 61,
    inner: 'weft-http1',
    route: { upgrades: ['websocket'] },
    app: (peer) => {
      answerWith(peer, (request) => {
        if (request.includes(' /events ')) {
          peer.send('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
          tick(mesh, peer, (text) => `${text.length.toString(16)}\r\n${text}\r\n`);
          return null;
        }
        if (!/^upgrade: websocket/im.test(request)) return ok('hello');
        peer.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
        tick(mesh, peer, (text) => text);
        return null;
      });
      const onRequest = peer.onText;
      peer.onText = () => {
        if (peer.text.startsWith('raw')) {
          peer.take(3);
          tick(mesh, peer, (text) => text);
        } else onRequest();
      };
    },
  });
  const streams = { events: mesh.connect(), websocket: mesh.connect(), tcp: mesh.connect(TCP_PORT) };
  streams.events.send(get('/events'));
  streams.websocket.send(get('/chat', UPGRADE));
  streams.tcp.send('raw');
  let asked = 0;
  const failures: string[] = [];
  const ask = (): void => {
    const peer = mesh.connect();
    peer.onText = () => {
      const response = responseOf(peer);
      if (response === null) return;
      if (response.status !== 200) failures.push(`${response.status} ${response.body}`);
      peer.connection.destroy('');
      asked++;
    };
    peer.send(get('/'));
    mesh.sim.after(7, ask);
  };
  await mesh.sim.run(() => Object.values(streams).every((peer) => ticksIn(peer).length > 0), 1_000);
  ask();
  for (let i = 1; i <= RENEWALS; i++) {
    mesh.webSvid.set(await svidOf('web', `rotated ${i}`));
    mesh.services[0]?.svid.set(await svidOf('catalog', `rotated ${i}`));
    await mesh.sim.run(undefined, RENEW_EVERY_MS);
    assert.equal(inboundConnections(mesh, 'inbound|http'), 2, 'one with the streams from before, one for what is new');
    assert.equal(inboundConnections(mesh, 'inbound|tcp'), 1);
  }
  assert.deepEqual(failures, []);
  assert.ok(asked > 100, `${asked} answers`);
  for (const [name, peer] of Object.entries(streams)) {
    const ticks = ticksIn(peer);
    assert.deepEqual(
      ticks,
      ticks.map((_, i) => i),
      name,
    );
    assert.ok(ticks.length > (RENEWALS * RENEW_EVERY_MS) / TICK_MS - 3, `${name}: ${ticks.length} ticks`);
    assert.equal(peer.ended || peer.closed !== null, false, `${name} was cut`);
    peer.connection.destroy('');
  }
  await mesh.sim.run(() => inboundConnections(mesh, 'inbound|http') === 1, 1_000);
  assert.equal(inboundConnections(mesh, 'inbound|http'), 1, 'the old one has served out');
});
