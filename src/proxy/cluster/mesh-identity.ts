/**
 * This workload's identity as handshakes need it: the SVID joined with a trust bundle, rebuilt only when one of the two
 * changes, because runtimes cache TLS contexts by the identity of the object. Fails closed: without a valid SVID there
 * is no identity.
 */
import type { Clock, PeerCertificate, TlsIdentity } from '../../core/runtime.ts';
import { readSpiffeId } from '../../identity/spiffe-id.ts';
import { isValid, type Svid, type SvidSource } from '../../identity/svid.ts';
import type { PeerIdMatch, Secret, TlsSettings, TrustBundle } from '../../snapshot/snapshot.ts';
import type { Identity } from './identity.ts';
import { checkPeer } from './peer-ids.ts';

/** The one certificate that is bound locally; its key never comes over xDS. */
const LOCAL_CERTIFICATE = 'default';

export class MeshIdentity implements Identity {
  readonly alpnOptional = false;
  readonly #clock: Clock;
  readonly #source: SvidSource;
  readonly #fallbackPem: string;
  #svid: Svid | null;
  #bundles: ReadonlyMap<string, TrustBundle> = new Map();
  #given: ReadonlyMap<string, Secret> = this.#bundles;
  #identities = new Map<string, TlsIdentity>();
  /** Changes whenever what handshakes present or accept has changed. */
  version = 0;

  /** `trustBundlePem` serves until the control plane sends the bundle that a transport names. */
  constructor(clock: Clock, source: SvidSource, trustBundlePem: string) {
    this.#clock = clock;
    this.#source = source;
    this.#fallbackPem = trustBundlePem;
    this.#svid = source.current();
  }

  get svid(): Svid | null {
    return this.#svid;
  }

  get valid(): boolean {
    return this.#svid !== null && isValid(this.#svid, this.#clock.wall());
  }

  /** Why a connection of the mesh may not be used now; empty: it may. `peer`: who is at its other end. */
  faultWith(peer: PeerCertificate | null): string {
    const wall = this.#clock.wall();
    if (this.#svid === null || !isValid(this.#svid, wall)) return this.fault || 'this workload has no valid identity';
    return peer !== null && wall >= peer.notAfter ? `the certificate of ${peer.uris[0] ?? ''} has expired` : '';
  }

  get trustDomain(): string {
    const id = this.#svid === null ? '' : readSpiffeId(this.#svid.id);
    return typeof id === 'string' ? '' : id.trustDomain;
  }

  /** Why handshakes are refused, in words for a log or a response. */
  get fault(): string {
    if (this.#svid === null) return 'this workload has no identity yet';
    const wall = this.#clock.wall();
    if (wall < this.#svid.notBefore)
      return `the identity ${this.#svid.id} is not valid before ${iso(this.#svid.notBefore)}`;
    return wall < this.#svid.notAfter ? '' : `the identity ${this.#svid.id} expired at ${iso(this.#svid.notAfter)}`;
  }

  /** What is presented and accepted, for those who look: certificates, no keys. */
  shown(): readonly { readonly certificateChainPem: string; readonly trustBundlePem: string }[] {
    if (this.#svid === null) return [];
    const roots = [...this.#bundles.values()].map(({ pem }) => pem);
    const { certificateChainPem } = this.#svid;
    return [{ certificateChainPem, trustBundlePem: roots.length === 0 ? this.#fallbackPem : roots.join('\n') }];
  }

  /** Names of the trust bundles that the control plane has sent. */
  get bundleNames(): readonly string[] {
    return [...this.#bundles.keys()];
  }

  /** Reads the source again. Open connections are left alone. */
  refresh(): void {
    if (this.#source.current() === this.#svid) return;
    this.#svid = this.#source.current();
    this.#changed();
  }

  setSecrets(secrets: ReadonlyMap<string, Secret>): void {
    if (secrets === this.#given) return;
    // Nothing else is read in a mesh.
    const bundles = new Map([...secrets].flatMap(([name, each]) => ('pem' in each ? [[name, each] as const] : [])));
    const before = this.#bundles;
    // What was sent once stays until it is replaced: a missing bundle must not bring roots back that were taken away.
    this.#bundles = new Map([...before, ...bundles]);
    this.#given = secrets;
    const same = [...bundles].every(([name, b]) => before.get(name)?.pem === b.pem);
    if (!same) this.#changed();
  }

  tls({ certificate, validation: roots }: TlsSettings): TlsIdentity | null {
    const svid = this.#svid;
    if (svid === null || certificate?.name !== LOCAL_CERTIFICATE || !this.valid) return null;
    const validation = roots?.name ?? '';
    const known = this.#identities.get(validation);
    if (known !== undefined) return known;
    const trustBundlePem = this.#bundles.get(validation)?.pem ?? this.#fallbackPem;
    if (trustBundlePem === '') return null;
    const { certificateChainPem, privateKeyPem } = svid;
    const identity: TlsIdentity = { certificateChainPem, privateKeyPem, trustBundlePem };
    this.#identities.set(validation, identity);
    return identity;
  }

  check(peer: PeerCertificate, role: 'client' | 'server', accepted: readonly PeerIdMatch[] | null): string | null {
    return checkPeer(peer, role, this.trustDomain, accepted, this.#clock.wall());
  }

  #changed(): void {
    this.#identities = new Map();
    this.version++;
  }
}

function iso(wallMs: number): string {
  return new Date(wallMs).toISOString();
}
