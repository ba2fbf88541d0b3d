/**
 * SVIDs for simulated proxies, by the CA of a state directory. The CA's library takes milliseconds for each, which would
 * be the benchmark's time and not the control plane's: one certificate is a template, and names in it are replaced.
 */
import { join } from 'node:path';
import { processKeyMaker } from '../../src/identity/key-maker.ts';
import { derBitString, derOid, derSequence } from '../../src/identity/der.ts';
import { encodePem } from '../../src/identity/pem.ts';
import type { Svid } from '../../src/identity/svid.ts';
import { readCa } from '../../src/control/ca/ca-files.ts';
import { writeLeaf } from '../../src/control/ca/certificate-writer.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';

const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
const LIFE_MS = 3_600_000;
const SEQUENCE_HEAD = 4;

export interface SvidIssuer {
  readonly trustBundlePem: string;
  /** `account` and `workload` are as long as those of the first that was issued. */
  issue(namespace: string, account: string, workload: string): Promise<Svid>;
}

/** All have one key: what a handshake costs does not depend on it. */
export async function openSvidIssuer(stateDir: string): Promise<SvidIssuer> {
  const { files, random } = createNodeRuntime();
  const keys = await readCa(files, join(stateDir, 'ca'));
  if (keys === null) throw new Error(`no CA in ${stateDir}`);
  const key = processKeyMaker.make();
  let template: { readonly tbs: Buffer; readonly id: string; readonly commonName: string } | null = null;
  const validity = { notBefore: Date.now() - 30_000, notAfter: Date.now() + LIFE_MS };
  const issuingPem = keys.issuing.certificate.toString();
  return {
    trustBundlePem: keys.root.certificate.toString(),
    async issue(namespace, account, workload) {
      const id = `spiffe://weft.local/ns/${namespace}/sa/${account}`;
      const commonName = `${namespace}/${workload}`;
      if (template === null) {
        const names = { commonName, uri: id, dnsNames: [], ipAddresses: [] };
        const leaf = await writeLeaf(random, keys.issuing, key.publicKeySpki, names, validity);
        template = { tbs: firstItem(leaf.raw), id, commonName };
      }
      const tbs = Buffer.from(template.tbs);
      replaceText(tbs, template.id, id);
      replaceText(tbs, template.commonName, commonName);
      const algorithm = derSequence(derOid(ECDSA_WITH_SHA256));
      const signed = derSequence(tbs, algorithm, derBitString(keys.issuing.key.sign(tbs)));
      return {
        id,
        certificateChainPem: encodePem('CERTIFICATE', signed) + issuingPem,
        privateKeyPem: key.privateKeyPem,
        ...validity,
      };
    },
  };
}

/** The first item of a DER sequence that is longer than 255 bytes, as certificates and what they sign are. */
function firstItem(sequence: Buffer): Buffer {
  return Buffer.from(sequence.subarray(SEQUENCE_HEAD, 2 * SEQUENCE_HEAD + sequence.readUInt16BE(SEQUENCE_HEAD + 2)));
}

function replaceText(bytes: Buffer, from: string, to: string): void {
  const at = bytes.indexOf(from, 0, 'latin1');
  if (at === -1 || from.length !== to.length) throw new Error(`a certificate for ${from} is no template for ${to}`);
  bytes.write(to, at, 'latin1');
}
