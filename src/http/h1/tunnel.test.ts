/** Upgrades and CONNECT: when HTTP ends and bytes begin. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldName } from '../field-name.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { RESET } from '../message.ts';
import { GET, one, respond, send, serve } from './test/recorder.ts';

describe('an upgrade', () => {
  const upgrade = 'GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  function switching(): Head {
    const head = Head.response(101);
    head.upgrade = UPGRADE_STATE.granted;
    head.appendText(new FieldName('sec-websocket-accept'), 'x');
    return head;
  }

  it('is asked for by one protocol, in HTTP/1.1, without content, and never by h2c', () => {
    const asked = (text: string): number | undefined => one(text).r.head?.upgrade;
    assert.equal(asked(upgrade), UPGRADE_STATE.asked);
    assert.equal(asked(upgrade.replace('Connection: Upgrade\r\n', '')), UPGRADE_STATE.none);
    assert.equal(asked(upgrade.replace('websocket', 'h2c')), UPGRADE_STATE.none);
    assert.equal(asked(upgrade.replace('websocket', 'H2C')), UPGRADE_STATE.none);
    assert.equal(asked(upgrade.replace('websocket', 'websocket, h2c')), UPGRADE_STATE.none);
    assert.equal(asked(upgrade.replace('HTTP/1.1', 'HTTP/1.0')), UPGRADE_STATE.none);
    assert.equal(asked(upgrade.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\nx')), UPGRADE_STATE.none);
  });

  it('relays raw bytes both ways after 101, each direction until its FIN', () => {
    const { s, r, stream } = one(upgrade);
    assert.ok(r.done);
    const head = switching();
    // The Upgrade field of a real 101 comes from the client codec; here the request's own is enough.
    head.appendText(new FieldName('upgrade'), 'websocket');
    stream.sendHead(head, false);
    assert.match(s.connection.takeWritten(), /^HTTP\/1\.1 101 Switching Protocols\r\nsec-websocket-accept: x\r\n/);
    s.connection.feed('ping');
    assert.equal(r.body, 'ping');
    send(stream, 'pong', false);
    assert.equal(s.connection.takeWritten(), 'pong');
    s.connection.fin();
    assert.ok(r.done);
    assert.ok(!s.connection.ended);
    send(stream, 'bye', true);
    assert.equal(s.connection.written, 'bye');
    assert.ok(s.connection.ended && s.connection.closed);
    assert.equal(r.reset, null);
    assert.equal(s.closed, 1);
  });

  it('that nobody asked for is not written', () => {
    const { s, r, stream } = one(GET);
    stream.sendHead(switching(), false);
    assert.equal(s.connection.written, '');
    assert.ok(s.connection.closed);
    assert.equal(r.reset, RESET.protocol);
  });

  it('answered without 101 goes on as an ordinary exchange', () => {
    const { s, stream } = one(upgrade);
    respond(stream, 426);
    s.connection.feed(GET);
    assert.equal(s.receivers.length, 2);
  });
});

describe('CONNECT', () => {
  const connect = 'CONNECT b:80 HTTP/1.1\r\nHost: b:80\r\n\r\n';

  function taker(): {
    bytes: string;
    onOpen(): void;
    onBytes(b: Uint8Array, s: number, e: number): void;
    onDrained(): void;
    onEnd(): void;
    onClose(): void;
  } {
    return {
      bytes: '',
      onOpen() {},
      onBytes(b, s, e) {
        this.bytes += Buffer.from(b.subarray(s, e)).toString('latin1');
      },
      onDrained() {},
      onEnd() {},
      onClose() {},
    };
  }

  it('hands the connection over, early bytes included', () => {
    const { s, stream } = one(`${connect}early`);
    const handler = taker();
    assert.equal(stream.takeover(handler), s.connection);
    assert.equal(s.connection.written, 'HTTP/1.1 200 OK\r\n\r\n');
    s.connection.feed('later');
    assert.equal(handler.bytes, 'earlylater');
    s.connection.destroy('');
    assert.equal(s.closed, 0, 'the codec is out of the game');
    assert.equal(s.time.timers.size, 0);
  });

  it('hands over within onHead, in the middle of a read', () => {
    const handler = taker();
    const s = serve((stream) => {
      const head = Head.response(200);
      stream.sendHead(head, false);
      stream.takeover(handler);
    });
    s.connection.feed(`${connect}early`);
    s.connection.feed('later');
    assert.equal(handler.bytes, 'earlylater');
  });

  it('after a 2xx sent by hand keeps early bytes for the taker', () => {
    const { s, stream } = one(`${connect}early`);
    const handler = taker();
    stream.sendHead(Head.response(200), false);
    stream.takeover(handler);
    s.connection.pump();
    assert.equal(handler.bytes, 'early');
  });

  it('relays through the stream when nobody takes over', () => {
    const { s, r, stream } = one(`${connect}early`);
    stream.sendHead(Head.response(200), false);
    s.time.advance(20);
    assert.equal(r.body, 'early');
    send(stream, 'pong', false);
    assert.match(s.connection.written, /\r\n\r\npong$/);
  });

  it('refused ends the connection: what follows was written for the tunnel', () => {
    const { s, stream } = one(connect + GET);
    respond(stream, 403, 'no');
    assert.match(s.connection.written, /^HTTP\/1\.1 403 [^]*connection: close\r\n/);
    assert.throws(() => stream.takeover(taker()), /only a tunnel/);
    s.connection.feed(GET);
    assert.equal(s.receivers.length, 1);
  });

  it('cannot be claimed for another method', () => {
    const { stream } = one(GET);
    assert.throws(() => stream.takeover(taker()), /only a tunnel/);
  });
});
