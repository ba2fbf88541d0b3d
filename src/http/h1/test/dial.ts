/** A client on a connection in memory, and a request on it. */
import { Head } from '../../head.ts';
import type { Stream } from '../../message.ts';
import { Http1Client } from '../client.ts';
import { DEFAULT_HTTP1_LIMITS, type Http1Limits } from '../limits.ts';
import { MemoryConnection } from './memory-connection.ts';
import { Recorder } from './recorder.ts';

export interface Dialled {
  readonly connection: MemoryConnection;
  readonly client: Http1Client;
  idle: number;
  gone: string[];
}

export function dial(limits: Partial<Http1Limits> = {}, isConnected = true): Dialled {
  const connection = new MemoryConnection();
  const client = new Http1Client({
    limits: { ...DEFAULT_HTTP1_LIMITS, ...limits },
    callbacks: {
      onConnected() {},
      onIdle() {
        dialled.idle++;
      },
      onGone(_client, reason) {
        dialled.gone.push(reason);
      },
    },
  });
  client.attach(connection);
  const dialled: Dialled = { connection, client, idle: 0, gone: [] };
  if (isConnected) client.onOpen();
  return dialled;
}

export function ask(d: Dialled, method = 'GET', last = true): { r: Recorder; stream: Stream } {
  const r = new Recorder();
  const stream = d.client.open(r);
  const head = Head.request(method, method === 'CONNECT' ? '' : '/', method === 'CONNECT' ? 'a:80' : 'a');
  stream.sendHead(head, last);
  head.free();
  return { r, stream };
}

export function send(stream: Stream, text: string, last: boolean): void {
  stream.sendData(Buffer.from(text, 'latin1'), 0, text.length, last);
}

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi';
