/** Runs h2spec, the conformance suite for HTTP/2 servers, against whatever listens on a port. */
import { spawn } from 'node:child_process';
import { program } from './components.ts';

export interface H2specTarget {
  readonly port: number;
  /** TLS with ALPN h2; the certificate is not checked. */
  readonly tls: boolean;
  /** Answered with 200 and some content, a little late: one case races with the response. Default: `/`. */
  readonly path?: string;
  /** Of the target, as the certificate or a route wants it. Default: 127.0.0.1. */
  readonly host?: string;
}

export interface H2specResult {
  /** `146 tests, 146 passed, 0 skipped, 0 failed` */
  readonly summary: string;
  /** Everything it said, for the eyes of whoever reads a failure. */
  readonly output: string;
}

/** All cases: generic, http2 and hpack, strict ones included. */
export function runH2spec(target: H2specTarget): Promise<H2specResult> {
  const args = ['--strict', '--timeout', '5', '--host', target.host ?? '127.0.0.1', '--port', String(target.port)];
  args.push('--path', target.path ?? '/');
  if (target.tls) args.push('--tls', '--insecure');
  return new Promise((done, failed) => {
    const child = spawn(program('h2spec'), args, { timeout: 120_000 });
    let output = '';
    child.stdout.on('data', (text: Buffer) => (output += text.toString()));
    child.stderr.on('data', (text: Buffer) => (output += text.toString()));
    child.on('error', failed);
    child.on('close', () => {
      const summary = /\d+ tests, \d+ passed, \d+ skipped, \d+ failed/.exec(output)?.[0] ?? 'no summary';
      done({ summary, output: output.slice(-8_000) });
    });
  });
}
