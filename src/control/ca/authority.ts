/**
 * The built-in CA: a root of ten years that signs an issuing key of one, which signs SVIDs. Workloads trust the root,
 * so that the issuing certificate can be renewed without telling anybody.
 */
import { join } from 'node:path';
import { WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import type { KeyMaker } from '../../identity/key-maker.ts';
import { type SpiffeId, trustDomainFault } from '../../identity/spiffe-id.ts';
import { caHash } from '../../identity/trust-bundle.ts';
import { type CaKeys, checkCa, readCa, writeCa, writeIssuingCertificate } from './ca-files.ts';
import { type Validity, writeIssuing, writeLeaf, writeRoot } from './certificate-writer.ts';

const YEAR_MS = 365 * 24 * 3_600_000;
const ROOT_LIFE_MS = 10 * YEAR_MS;
const ISSUING_LIFE_MS = YEAR_MS;
/** For peers whose clock is behind, at most; short lives are back-dated by a sixth, so that half-life stays ahead. */
const MAX_BACKDATE_MS = 30_000;

export interface IssueRequest {
  /** SubjectPublicKeyInfo of a key whose owner is proved. */
  readonly publicKeySpki: Uint8Array;
  readonly id: SpiffeId;
  /** `<namespace>/<workload>` */
  readonly commonName: string;
  /** From now; the end of the issuing certificate cuts it. */
  readonly ttlMs: number;
  /** Only for the control plane's own certificate; empty for workloads. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export interface IssuedCertificate extends Validity {
  /** PEM: leaf, issuing. */
  readonly certificateChainPem: string;
  /** Lower-case hex. */
  readonly serialNumber: string;
}

export interface Authority {
  readonly trustDomain: string;
  /** PEM of the root. */
  readonly trustBundlePem: string;
  /** `sha256:<hex of the root's DER>`: what join tokens pin. */
  readonly caHash: string;
  issue(request: IssueRequest): Promise<IssuedCertificate>;
  /** Signs the issuing key anew when half of the life of its certificate is over. Call at start and daily. */
  maintain(): Promise<void>;
}

export interface AuthorityOptions {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly keyMaker: KeyMaker;
  readonly stateDir: string;
  readonly trustDomain: string;
}

/** Loads `<stateDir>/ca` or makes it at the first start. Throws `invalid` when what is there cannot be used. */
export async function openAuthority(options: AuthorityOptions): Promise<Authority> {
  const { runtime, trustDomain } = options;
  const fault = trustDomainFault(trustDomain);
  if (fault !== null) throw new WeftError('invalid', { what: fault, where: trustDomain.slice(0, 100) });
  const directory = join(options.stateDir, 'ca');
  let keys = await readCa(runtime.files, directory);
  if (keys === null) {
    keys = await makeCa(options);
    await writeCa(runtime.files, directory, keys);
    options.log.info('made a certificate authority', { trustDomain, caHash: caHash(keys.root.certificate.raw) });
  }
  checkCa(directory, keys, trustDomain, runtime.clock.wall());
  const authority = new BuiltInAuthority(options, directory, keys);
  await authority.maintain();
  return authority;
}

async function makeCa(options: AuthorityOptions): Promise<CaKeys> {
  const { runtime, keyMaker, trustDomain } = options;
  const rootKey = keyMaker.make();
  const names = { commonName: `${trustDomain} root`, trustDomain };
  const certificate = await writeRoot(runtime.random, rootKey, names, life(runtime.clock.wall(), ROOT_LIFE_MS));
  const root = { key: rootKey, certificate };
  const issuingKey = keyMaker.make();
  const validity = life(runtime.clock.wall(), ISSUING_LIFE_MS);
  const issuing = await writeIssuing(runtime.random, root, issuingKey, issuingNames(trustDomain), validity);
  return { root, issuing: { key: issuingKey, certificate: issuing } };
}

class BuiltInAuthority implements Authority {
  readonly trustDomain: string;
  readonly trustBundlePem: string;
  readonly caHash: string;
  readonly #options: AuthorityOptions;
  readonly #directory: string;
  #keys: CaKeys;

  constructor(options: AuthorityOptions, directory: string, keys: CaKeys) {
    this.#options = options;
    this.#directory = directory;
    this.#keys = keys;
    this.trustDomain = options.trustDomain;
    this.trustBundlePem = keys.root.certificate.toString();
    this.caHash = caHash(keys.root.certificate.raw);
  }

  async issue(request: IssueRequest): Promise<IssuedCertificate> {
    const { random, clock } = this.#options.runtime;
    const issuing = this.#keys.issuing;
    const wanted = life(clock.wall(), request.ttlMs);
    const notAfter = Math.min(wanted.notAfter, issuing.certificate.validToDate.getTime());
    const names = { ...request, uri: request.id.text };
    const leaf = await writeLeaf(random, issuing, request.publicKeySpki, names, { ...wanted, notAfter });
    return {
      certificateChainPem: leaf.toString() + issuing.certificate.toString(),
      serialNumber: leaf.serialNumber.toLowerCase(),
      notBefore: leaf.validFromDate.getTime(),
      notAfter: leaf.validToDate.getTime(),
    };
  }

  async maintain(): Promise<void> {
    const { runtime, log, trustDomain } = this.#options;
    const { root, issuing } = this.#keys;
    const wall = runtime.clock.wall();
    const from = issuing.certificate.validFromDate.getTime();
    const until = issuing.certificate.validToDate.getTime();
    if (wall < from + (until - from) / 2) return;
    const rootEnd = root.certificate.validToDate.getTime();
    const wanted = life(wall, ISSUING_LIFE_MS);
    const validity = { ...wanted, notAfter: Math.min(wanted.notAfter, rootEnd) };
    const certificate = await writeIssuing(runtime.random, root, issuing.key, issuingNames(trustDomain), validity);
    await writeIssuingCertificate(runtime.files, this.#directory, certificate);
    this.#keys = { root, issuing: { key: issuing.key, certificate } };
    log.info('renewed the issuing certificate', { notAfter: certificate.validTo });
    if (rootEnd - wall < YEAR_MS)
      log.warn('the root certificate expires within a year', { notAfter: root.certificate.validTo });
  }
}

function issuingNames(trustDomain: string): { commonName: string; trustDomain: string } {
  return { commonName: `${trustDomain} issuing`, trustDomain };
}

function life(wallMs: number, ttlMs: number): Validity {
  return { notBefore: wallMs - Math.min(MAX_BACKDATE_MS, ttlMs / 6), notAfter: wallMs + ttlMs };
}
