/** A server and a client codec back to back, as the router joins them: what of a message reaches the next hop. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CONTENT_LENGTH, CONNECTION, FieldName, HOST, TRANSFER_ENCODING } from '../field-name.ts';
import { type Head, UPGRADE_STATE } from '../head.ts';
import { relay } from './test/relay.ts';

function requestOf(input: string, edit: (head: Head) => void = () => {}): string {
  const { down, up } = relay(edit);
  down.connection.feed(input);
  return up.connection.written;
}

function responseOf(request: string, response: string): string {
  const { down, up } = relay();
  down.connection.feed(request);
  up.connection.feed(response);
  return down.connection.written;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a request on the next hop', () => {
  it('keeps order, spelling and letter case of its fields', () => {
    const input = 'GET /x?y=%20 HTTP/1.1\r\nHost: A:80\r\nX-a:1\r\nuser-AGENT:  c  d\r\nX-a: 2\r\n\r\n';
    assert.equal(requestOf(input), input);
  });

  it('loses white space at the end of a value and nothing else', () => {
    assert.equal(
      requestOf('GET / HTTP/1.1\r\nHost: a  \r\nX: 1\t \r\nY: 2\r\n\r\n'),
      'GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\nY: 2\r\n\r\n',
    );
  });

  it('loses the fields of this hop and those that Connection names', () => {
    assert.equal(
      requestOf(
        'GET / HTTP/1.1\r\nConnection: keep-alive, x-mine, cookie\r\nHost: a\r\nKeep-Alive: timeout=5\r\nX-Mine: 1\r\n' +
          'Cookie: c\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: x\r\nTE: gzip\r\nUpgrade: h2c\r\nTrailer: x\r\n\r\n',
      ),
      'GET / HTTP/1.1\r\nHost: a\r\nCookie: c\r\nTrailer: x\r\n\r\n',
    );
  });

  it('keeps TE: trailers and names it in Connection', () => {
    assert.equal(
      requestOf('GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: TE\r\n\r\n'),
      'GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nconnection: te\r\n\r\n',
    );
  });

  it('keeps trailers of a longer TE', () => {
    assert.equal(
      requestOf('GET / HTTP/1.1\r\nTE: gzip;q=0.5 , Trailers\r\nHost: a\r\nConnection: TE\r\n\r\n'),
      'GET / HTTP/1.1\r\nHost: a\r\nte: trailers\r\nconnection: te\r\n\r\n',
    );
    assert.equal(requestOf('GET / HTTP/1.1\r\nTE: xtrailers, trailers;q=1\r\nHost: a\r\n\r\n'), GET);
  });

  it('always has a Host: that of its authority, empty for HTTP/1.0 without one', () => {
    assert.equal(requestOf('GET / HTTP/1.0\r\nX: y\r\n\r\n'), 'GET / HTTP/1.1\r\nhost: \r\nX: y\r\n\r\n');
    const authority = requestOf(GET, (head) => {
      // As a head that came over HTTP/2: an authority and no field for it.
      head.removeAll(HOST);
      head.known = 0;
    });
    assert.equal(authority, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n');
  });

  it('without content goes on without its Expect', () => {
    assert.equal(requestOf('GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'), GET);
  });

  it('in absolute form goes on in origin form, Host agreeing', () => {
    assert.equal(
      requestOf('GET http://b:80/x HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n'),
      'GET /x HTTP/1.1\r\nX: y\r\nHost: b:80\r\n\r\n'.replace('Host', 'host'),
    );
    assert.equal(
      requestOf('GET http://b?q HTTP/1.1\r\nX: y\r\nHost: b\r\n\r\n'),
      'GET /?q HTTP/1.1\r\nX: y\r\nHost: b\r\n\r\n',
    );
  });

  it('as HTTP/1.0 goes on as HTTP/1.1 without its Expect', () => {
    assert.equal(
      requestOf('GET / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\n\r\n'),
      'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    );
  });

  it('is framed anew', () => {
    assert.equal(
      requestOf('POST / HTTP/1.1\r\nContent-Length: 0007\r\nHost: a\r\n\r\n'),
      'POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 7\r\n\r\n',
    );
    assert.equal(
      requestOf('POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\nHost: a\r\n\r\n'),
      'POST / HTTP/1.1\r\nHost: a\r\ntransfer-encoding: chunked\r\n\r\n',
    );
  });

  it('carries what filters rewrote, appended and removed, and no framing of theirs', () => {
    const written = requestOf('GET /a HTTP/1.1\r\nX: 1\r\nHost: a\r\nY: 2\r\nZ: 3\r\n\r\n', (head) => {
      head.setPath('/b');
      head.removeAll(new FieldName('y'));
      head.setAuthority('b.c');
      head.appendText(new FieldName('x-new'), 'n');
      head.appendText(CONTENT_LENGTH, '9');
      head.appendText(TRANSFER_ENCODING, 'chunked');
      head.appendText(CONNECTION, 'close');
    });
    assert.equal(written, 'GET /b HTTP/1.1\r\nX: 1\r\nZ: 3\r\nhost: b.c\r\nx-new: n\r\n\r\n');
  });

  it('larger than what a connection reserves still goes out whole', () => {
    const long = 'v'.repeat(60_000);
    const written = requestOf(`GET / HTTP/1.1\r\nHost: a\r\nX: ${long}\r\n\r\n`, (head) => {
      head.appendText(new FieldName('y'), 'w'.repeat(20_000));
    });
    assert.equal(written, `GET / HTTP/1.1\r\nHost: a\r\nX: ${long}\r\ny: ${'w'.repeat(20_000)}\r\n\r\n`);
  });

  it('upgrades only with leave', () => {
    const upgrade = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n';
    assert.equal(requestOf(upgrade), GET);
    const granted = requestOf(upgrade, (head) => {
      head.upgrade = UPGRADE_STATE.granted;
    });
    assert.equal(granted, 'GET / HTTP/1.1\r\nHost: a\r\nconnection: upgrade\r\nupgrade: WebSocket\r\n\r\n');
  });
});

describe('a response on the next hop', () => {
  it('keeps its fields and reason, loses those of its hop, and is framed anew', () => {
    assert.equal(
      responseOf(
        GET,
        'HTTP/1.1 200 Fine So\xe9\r\nServer: s\r\nConnection: X-Hop\r\nX-Hop: 1\r\nProxy-Authenticate: p\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
      ),
      'HTTP/1.1 200 Fine So\xe9\r\nServer: s\r\nSet-Cookie: a\r\nSet-Cookie: b\r\ncontent-length: 0\r\n\r\n',
    );
    assert.equal(
      responseOf(GET, 'HTTP/1.0 200 OK\r\nX: y\r\n\r\n'),
      'HTTP/1.1 200 OK\r\nX: y\r\ntransfer-encoding: chunked\r\n\r\n',
    );
  });

  it('tells the length of what HEAD left out, and nothing for 204', () => {
    assert.equal(
      responseOf(GET.replace('GET', 'HEAD'), 'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n'),
      'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n',
    );
    assert.equal(
      responseOf(GET, 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'),
      'HTTP/1.1 204 No Content\r\n\r\n',
    );
  });

  it('101 carries its Upgrade on', () => {
    const { down, up } = relay((head) => {
      head.upgrade = UPGRADE_STATE.granted;
    });
    down.connection.feed('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    up.connection.feed('HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nX: y\r\n\r\n');
    assert.equal(
      down.connection.written,
      'HTTP/1.1 101 Switching Protocols\r\nX: y\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
  });
});
