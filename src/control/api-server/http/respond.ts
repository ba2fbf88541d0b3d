/** Writes answers. A reader that takes no byte of one for too long is cut, so that it holds no memory. */
import type { ServerResponse } from 'node:http';
import type { ApiResponse } from '../handler.ts';
import type { Bounds } from './bounds.ts';

const JSON_TYPE = 'application/json';

/** `keepAlive` false: the request was not read to its end, and the connection cannot be used again. */
export function respond(response: ServerResponse, answer: ApiResponse, bounds: Bounds, keepAlive: boolean): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const content = contentOf(answer.body);
  const type = answer.contentType ?? (typeof answer.body === 'string' ? 'text/plain; charset=utf-8' : JSON_TYPE);
  response.setTimeout(bounds.stallTimeoutMs, () => response.destroy());
  response.writeHead(answer.status, {
    'content-type': type,
    'cache-control': 'no-store',
    'content-length': content.length,
    ...(answer.status === 401 ? { 'www-authenticate': 'Bearer realm="weft"' } : {}),
    ...(answer.status === 429 ? { 'retry-after': '1' } : {}),
    ...(keepAlive ? {} : { connection: 'close' }),
  });
  response.end(content);
}

function contentOf(body: unknown): Uint8Array {
  if (body === undefined) return Buffer.alloc(0);
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** Lines of an answer without end. */
export interface LineWriter {
  /** Resolves when there is room again; rejects never: a cut stream aborts the request's signal. */
  write(line: string): Promise<void>;
  end(): void;
}

export function respondLines(response: ServerResponse, bounds: Bounds, cut: () => void): LineWriter {
  response.writeHead(200, { 'content-type': JSON_TYPE, 'cache-control': 'no-store' });
  response.flushHeaders();
  return {
    async write(line) {
      if (response.destroyed || response.write(line)) return;
      await drained(response, bounds.stallTimeoutMs, cut);
    },
    end: () => response.end(),
  };
}

function drained(response: ServerResponse, timeoutMs: number, cut: () => void): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      clearTimeout(timer);
      response.off('drain', settle);
      response.off('close', settle);
      resolve();
    };
    const timer = setTimeout(() => {
      cut();
      response.destroy();
      settle();
    }, timeoutMs);
    response.on('drain', settle);
    response.on('close', settle);
  });
}
