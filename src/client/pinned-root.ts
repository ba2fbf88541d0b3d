/**
 * The root that a join token names by its hash. It is fetched from a server that is not verified yet, with no credential,
 * and is trusted for its hash alone.
 */
import { createHash, X509Certificate } from 'node:crypto';
import { WeftError } from '../core/errors.ts';
import { createHttpsTransport } from './https-transport.ts';

const TIMEOUT_MS = 10_000;
const MAX_ROOTS = 16;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** PEM of the root whose DER has the hash `sha256:<hex>`. Throws `unauthenticated` when the server has no such root. */
export async function fetchPinnedRoot(server: string, caHash: string): Promise<string> {
  if (!/^sha256:[0-9a-f]{64}$/.test(caHash)) {
    throw new WeftError('invalid', { what: 'the CA hash must be sha256: and 64 hexadecimal digits', where: caHash });
  }
  const transport = createHttpsTransport({ server, caPem: null, credential: () => ({ kind: 'none' }) });
  try {
    const path = '/apis/identity.weft.mesh/v1/trust-bundle';
    const { status, body } = await transport.request({
      method: 'GET',
      path,
      headers: {},
      body: null,
      timeoutMs: TIMEOUT_MS,
    });
    const root = status === 200 ? findRoot(body, caHash) : undefined;
    if (root !== undefined) return root;
    throw new WeftError('unauthenticated', {
      what: "the server does not have the CA that the token's hash names",
      where: server,
      hint: 'Check the address; make a new token with: weft token create',
    });
  } finally {
    transport.close();
  }
}

function findRoot(body: string, caHash: string): string | undefined {
  return (body.replaceAll('\\n', '\n').match(CERTIFICATE) ?? []).slice(0, MAX_ROOTS).find((pem) => {
    try {
      return `sha256:${createHash('sha256').update(new X509Certificate(pem).raw).digest('hex')}` === caHash;
    } catch {
      return false;
    }
  });
}
