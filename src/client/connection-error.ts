/** What the network says, in our words: the one place where errors of node:https become WeftErrors. */
import { messageOf, WeftError } from '../core/errors.ts';

const NOBODY_LISTENS = new Set(['ECONNREFUSED', 'ENOENT']);
const UNREACHABLE = new Set(['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT', 'EADDRNOTAVAIL']);

export function connectionError(error: unknown, server: string): WeftError {
  if (error instanceof WeftError) return error.at(server);
  const code = codeOf(error);
  if (NOBODY_LISTENS.has(code)) {
    return new WeftError('unavailable', {
      what: 'the control plane is not running',
      where: server,
      hint: 'Start it with: weft up',
      cause: error,
    });
  }
  if (UNREACHABLE.has(code)) {
    return new WeftError('unavailable', {
      what: 'the control plane cannot be reached',
      where: server,
      hint: 'Check the address and the network',
      cause: error,
    });
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return new WeftError('name-not-found', {
      what: "the control plane's host name does not resolve",
      where: server,
      cause: error,
    });
  }
  if (/CERT|SIGNATURE|ISSUER|CHAIN/.test(code) && !code.startsWith('ERR_SSL')) {
    return new WeftError('unauthenticated', {
      what: `the server's certificate is not of this mesh: ${messageOf(error)}`,
      where: server,
      hint: 'Another control plane may answer there; check the address and the CA hash',
      cause: error,
    });
  }
  if (/^ERR_(SSL|TLS)|^EPROTO$/.test(code)) {
    return new WeftError('unauthenticated', {
      what: `TLS with the control plane failed: ${messageOf(error)}`,
      where: server,
      cause: error,
    });
  }
  return new WeftError('unavailable', {
    what: `the connection to the control plane broke: ${messageOf(error)}`,
    where: server,
    cause: error,
  });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
