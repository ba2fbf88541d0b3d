/**
 * TLS as the resources say it, for a proxy that is no sidecar of a mesh: certificates and roots are inline, of the
 * bootstrap, or come over SDS and are replaced there. What is missing refuses handshakes.
 */
import type { Clock, PeerCertificate, TlsIdentity } from '../../core/runtime.ts';
import type {
  CertificateSecret,
  PeerIdMatch,
  Secret,
  SecretName,
  TlsSettings,
  TrustBundle,
} from '../../snapshot/snapshot.ts';
import { CertificateChoice, type IdentityBase } from './certificate-choice.ts';
import { isNamed } from './peer-names.ts';
import type { Identity } from './identity.ts';

interface Built {
  readonly certificates: readonly CertificateSecret[];
  readonly roots: TrustBundle | null;
  readonly identity: TlsIdentity;
  /** Null: there is one certificate at most. */
  readonly choice: CertificateChoice | null;
}

export class ConfiguredIdentity implements Identity {
  readonly svid = null;
  readonly valid = true;
  readonly fault = '';
  readonly alpnOptional = true;
  version = 0;
  readonly #clock: Clock;
  #secrets: ReadonlyMap<string, Secret> = new Map();
  readonly #built = new WeakMap<TlsSettings, Built>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get bundleNames(): readonly string[] {
    return [...this.#secrets.keys()];
  }

  faultWith(peer: PeerCertificate | null): string {
    return peer !== null && this.#clock.wall() >= peer.notAfter ? "the peer's certificate has expired" : '';
  }

  refresh(): void {}

  setSecrets(secrets: ReadonlyMap<string, Secret>): void {
    if (secrets === this.#secrets) return;
    this.#secrets = secrets;
    this.version++;
  }

  tls(settings: TlsSettings, serverName = ''): TlsIdentity | null {
    const { certificate: first, extras } = settings;
    const wanted = first === null ? [] : [first, ...(extras?.moreCertificates ?? [])];
    const certificates = wanted.map((each) => this.#certificate(each)).filter((each) => each !== null);
    const roots = this.#roots(settings.validation);
    // One that is missing refuses all: a client that asks for its name must not get another's.
    if (certificates.length < wanted.length || roots === undefined) return null;
    const known = this.#built.get(settings);
    // A rotation of other secrets leaves sessions and contexts as they are.
    const isSame = known?.roots === roots && certificates.every((each, i) => each === known.certificates[i]);
    if (known !== undefined && isSame) return known.choice?.for(serverName) ?? known.identity;
    const [certificate, ...more] = certificates;
    const { pem: trustBundlePem = '', crlPem } = roots ?? {};
    const base: IdentityBase = {
      trustBundlePem,
      minVersion: settings.minVersion,
      maxVersion: settings.maxVersion,
      ...(crlPem === undefined ? {} : { crlPem }),
      ...extras?.algorithms,
    };
    const { certificateChainPem = '', privateKeyPem = '' } = certificate ?? {};
    const choice = more.length === 0 ? null : new CertificateChoice(certificates, base, extras?.scansAll === true);
    const identity: TlsIdentity = { certificateChainPem, privateKeyPem, ...base };
    this.#built.set(settings, { certificates, roots, identity, choice });
    return choice?.for(serverName) ?? identity;
  }

  check(peer: PeerCertificate, _role: 'client' | 'server', accepted: readonly PeerIdMatch[] | null): string | null {
    const fault = this.faultWith(peer);
    if (fault !== '' || accepted === null || accepted.length === 0) return fault === '' ? null : fault;
    if (isNamed(peer, accepted)) return null;
    const wanted = accepted.slice(0, 3).map(({ value }) => value);
    return `peer is ${[...peer.uris, ...peer.dnsNames].join(', ') || 'nobody'}, expected ${wanted.join(' or ')}`;
  }

  shown(): readonly { readonly certificateChainPem: string; readonly trustBundlePem: string }[] {
    return [...this.#secrets.values()].map((secret) =>
      'pem' in secret
        ? { certificateChainPem: '', trustBundlePem: secret.pem }
        : { certificateChainPem: secret.certificateChainPem, trustBundlePem: '' },
    );
  }

  /** Null: it is named and not there, or is no certificate. */
  #certificate(settings: SecretName | CertificateSecret): CertificateSecret | null {
    if (!('source' in settings)) return settings;
    const secret = this.#secrets.get(settings.name);
    return secret !== undefined && 'privateKeyPem' in secret ? secret : null;
  }

  #roots(settings: SecretName | TrustBundle | null): TrustBundle | null | undefined {
    if (settings === null || !('source' in settings)) return settings;
    const secret = this.#secrets.get(settings.name);
    return secret !== undefined && 'pem' in secret ? secret : undefined;
  }
}
