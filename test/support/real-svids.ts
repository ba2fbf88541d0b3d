/** A certificate authority of the mesh for tests over real TLS, and SVID sources that can be renewed. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Authority, openAuthority } from '../../src/control/ca/authority.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Runtime } from '../../src/core/runtime.ts';
import { processKeyMaker } from '../../src/identity/key-maker.ts';
import { parseSpiffeId } from '../../src/identity/spiffe-id.ts';
import type { Svid, SvidSource } from '../../src/identity/svid.ts';

export function testAuthority(runtime: Runtime, trustDomain: string): Promise<Authority> {
  const stateDir = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  return openAuthority({ runtime, log: silentLog, keyMaker: processKeyMaker, stateDir, trustDomain });
}

export async function issueSvid(authority: Authority, id: string, ttlMs = 3_600_000): Promise<Svid> {
  const key = processKeyMaker.make();
  const { certificateChainPem, notBefore, notAfter } = await authority.issue({
    publicKeySpki: key.publicKeySpki,
    id: parseSpiffeId(id),
    commonName: 'shop/test',
    ttlMs,
    dnsNames: [],
    ipAddresses: [],
  });
  return { id, certificateChainPem, privateKeyPem: key.privateKeyPem, notBefore, notAfter };
}

export class SettableSvid implements SvidSource {
  #svid: Svid | null;
  readonly #listeners = new Set<() => void>();

  constructor(svid: Svid | null) {
    this.#svid = svid;
  }

  current(): Svid | null {
    return this.#svid;
  }

  subscribe(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => this.#listeners.delete(changed);
  }

  set(svid: Svid | null): void {
    this.#svid = svid;
    for (const changed of this.#listeners) changed();
  }
}
