import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { before, test } from 'node:test';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { HELLO_INCOMPLETE, HELLO_INVALID, readClientHello } from './client-hello.ts';
import { detect, RAW } from './detect.ts';

let hello: Buffer;

/** What OpenSSL sends. */
before(async () => {
  hello = await new Promise<Buffer>((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', (bytes: Buffer) => {
        resolve(bytes);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      const options = { port, host: '127.0.0.1', servername: 'Catalog.shop', ALPNProtocols: ['weft-tcp', 'http/1.1'] };
      connect(options).on('error', () => {});
    });
  });
});

test('a real hello gives its names, whole or in any two pieces only when whole', () => {
  const whole = { serverName: 'catalog.shop', alpn: ['weft-tcp', 'http/1.1'] };
  assert.deepEqual(readClientHello(hello, 0, hello.length), whole);
  for (let end = 0; end < hello.length; end++) assert.equal(readClientHello(hello, 0, end), HELLO_INCOMPLETE, `${end}`);
});

test('a hello that is spread over several records is read', () => {
  const message = hello.subarray(5);
  const cut = 100;
  const record = (part: Buffer): Buffer =>
    Buffer.concat([Buffer.from([22, 3, 1, part.length >> 8, part.length & 255]), part]);
  const spread = Buffer.concat([record(message.subarray(0, cut)), record(message.subarray(cut))]);
  assert.deepEqual(readClientHello(spread, 0, spread.length), readClientHello(hello, 0, hello.length));
});

test('no bytes make it throw or read beyond their end', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      const found = readClientHello(bytes, 0, bytes.length);
      assert.ok(found === HELLO_INCOMPLETE || found === HELLO_INVALID || typeof found === 'object');
    }),
  );
  fc.assert(
    fc.property(fc.nat(hello.length - 1), fc.nat(255), (at, value) => {
      const bytes = Buffer.from(hello);
      bytes[at] = value;
      const found = readClientHello(bytes, 0, bytes.length);
      if (typeof found === 'object') for (const name of found.alpn) assert.ok(name.length > 0 && name.length < 256);
    }),
  );
});

function found(text: string, tls = true, http = true) {
  return detect(Buffer.from(text, 'latin1'), tls, http);
}

test('an HTTP request line is known by its version, not by its method', () => {
  assert.deepEqual(found('GET /a?b HTTP/1.1\r\n')?.protocols, ['http/1.1']);
  assert.deepEqual(found('POST / HTTP/1.0\r\nhost: x')?.protocols, ['http/1.0']);
  assert.deepEqual(found('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')?.protocols, ['h2c']);
  assert.equal(found('GET /a HTTP/1.'), null);
  assert.equal(found('G'), null);
  assert.equal(found('GET key\r\n'), RAW);
  assert.equal(found('*1\r\n$4\r\nPING\r\n'), RAW);
  assert.equal(found('EHLO me\r\n'), RAW);
  assert.equal(found('get / http/1.1\r\n'), RAW);
  assert.equal(found('GET / HTTP/1.1\r\n', true, false), RAW);
});

test('every prefix of a request line is undecided, never something else', () => {
  const line = 'DELETE /items/1?x=%20 HTTP/1.1\r\n';
  for (let end = 1; end < line.length; end++) assert.equal(found(line.slice(0, end)), null, line.slice(0, end));
});
