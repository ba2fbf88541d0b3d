/**
 * A server with several certificates: which of them a client gets, as Envoy chooses. Those with the name that it asks for,
 * exact before wildcard, and of those the first of each kind of key: what the client can verify decides between kinds,
 * in the handshake.
 */
import { X509Certificate } from 'node:crypto';
import type { KeyedCertificate, TlsIdentity } from '../../core/runtime.ts';

interface Candidate extends KeyedCertificate {
  /** Null: it is no certificate; a handshake with it fails by itself. */
  readonly leaf: X509Certificate | null;
  readonly keyType: string;
}

/** What an identity says besides its certificates. */
export type IdentityBase = Omit<TlsIdentity, 'certificateChainPem' | 'privateKeyPem' | 'more'>;

export class CertificateChoice {
  readonly #base: IdentityBase;
  readonly #candidates: readonly Candidate[];
  readonly #scansAll: boolean;
  readonly #identities = new Map<string, TlsIdentity>();

  /** `scansAll`: where no certificate of the name suits the client, any that does; else the first is for unknown names. */
  constructor(certificates: readonly KeyedCertificate[], base: IdentityBase, scansAll: boolean) {
    this.#base = base;
    this.#candidates = certificates.map(parse);
    this.#scansAll = scansAll;
  }

  /** The same object for the same certificates. `name`: as the client sent it; empty: it sent none. */
  for(name: string): TlsIdentity {
    const having = name === '' ? this.#candidates : this.#named(name);
    const chosen = having.filter(({ keyType }, i) => having.findIndex((other) => other.keyType === keyType) === i);
    const key = chosen.map((each) => this.#candidates.indexOf(each)).join();
    let identity = this.#identities.get(key);
    if (identity === undefined) {
      const [first, ...more] = chosen.map(({ certificateChainPem, privateKeyPem }) => ({
        certificateChainPem,
        privateKeyPem,
      }));
      identity = { ...this.#base, certificateChainPem: '', privateKeyPem: '', ...first, more };
      this.#identities.set(key, identity);
    }
    return identity;
  }

  #named(name: string): readonly Candidate[] {
    for (const wildcards of [false, true]) {
      const having = this.#candidates.filter(({ leaf }) => leaf?.checkHost(name, { wildcards }) !== undefined);
      // Every client can verify RSA: then nothing else is looked for.
      const suitsAll = having.some(({ keyType }) => keyType === 'rsa');
      if (having.length > 0) return this.#scansAll && !suitsAll ? [...having, ...this.#candidates] : having;
    }
    return this.#scansAll ? this.#candidates : this.#candidates.slice(0, 1);
  }
}

function parse({ certificateChainPem, privateKeyPem }: KeyedCertificate): Candidate {
  try {
    const leaf = new X509Certificate(certificateChainPem);
    return { certificateChainPem, privateKeyPem, leaf, keyType: leaf.publicKey.asymmetricKeyType ?? '' };
  } catch {
    return { certificateChainPem, privateKeyPem, leaf: null, keyType: '' };
  }
}
