/** Certificates of a peer's pair: an authority and one leaf with the SPIFFE id of a workload, in files. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAuthority } from '../../src/runtime/test/certificates.ts';

export interface Credentials {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Certificate and key in one, as HAProxy wants them. */
  readonly bundleFile: string;
  readonly caFile: string;
}

/** What every leaf names. */
export const SPIFFE_ID = 'spiffe://bench/ns/default/sa/sidecar';
export const SERVER_NAME = 'backend.bench';

export async function writeCredentials(folder: string): Promise<Credentials> {
  mkdirSync(folder, { recursive: true });
  const authority = await createAuthority('bench');
  const leaf = await authority.issue({ commonName: 'sidecar', uris: [SPIFFE_ID], dnsNames: [SERVER_NAME] });
  const write = (name: string, text: string): string => {
    const file = join(folder, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  return {
    certificateFile: write('leaf.crt', leaf.certificateChainPem),
    keyFile: write('leaf.key', leaf.privateKeyPem),
    bundleFile: write('leaf.pem', `${leaf.certificateChainPem}${leaf.privateKeyPem}\n`),
    caFile: write('ca.crt', authority.rootPem),
  };
}
