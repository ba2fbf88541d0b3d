/** Certificates as operators make them, by the openssl program: several kinds of keys, and a list of those that are revoked. */
import { execFileSync } from 'node:child_process';
import { hash, X509Certificate } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Made {
  readonly cert: string;
  readonly key: string;
  /** SHA-256 of the certificate in hexadecimal, and of its key in base64. */
  readonly certificateDigest: string;
  readonly keyDigest: string;
}

const KEYS = {
  ec: ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  rsa: ['-newkey', 'rsa:2048'],
};

export class MadeAuthority {
  readonly #folder = mkdtempSync(join(tmpdir(), 'weft-ca-'));
  #count = 0;

  constructor() {
    const extensions = ['-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=keyCertSign,cRLSign'];
    const request = ['req', '-x509', ...KEYS.ec, '-nodes', '-subj', '/CN=authority', '-days', '2', ...extensions];
    this.#openssl(...request, '-keyout', 'ca.key', '-out', 'ca.pem');
    writeFileSync(
      join(this.#folder, 'ca.cnf'),
      `[ca]\ndefault_ca = us\n[us]\ndatabase = index.txt\ncertificate = ca.pem\nprivate_key = ca.key\ndefault_md = sha256\ndefault_crl_days = 2\n`,
    );
    writeFileSync(join(this.#folder, 'index.txt'), '');
    mkdirSync(join(this.#folder, 'certs'));
  }

  get roots(): string {
    return this.#read('ca.pem');
  }

  /** `names`: DNS names; none: the subject is all there is. */
  issue(kind: keyof typeof KEYS, commonName: string, names: readonly string[] = []): Made {
    const at = `certs/${this.#count++}`;
    const san = names.length === 0 ? [] : ['-addext', `subjectAltName=${names.map((name) => `DNS:${name}`).join()}`];
    const subject = ['-nodes', '-subj', `/CN=${commonName}`, ...san];
    this.#openssl('req', ...KEYS[kind], ...subject, '-keyout', `${at}.key`, '-out', `${at}.csr`);
    const signing = [
      '-CA',
      'ca.pem',
      '-CAkey',
      'ca.key',
      '-CAcreateserial',
      '-days',
      '2',
      '-copy_extensions',
      'copyall',
    ];
    this.#openssl('x509', '-req', '-in', `${at}.csr`, ...signing, '-out', `${at}.pem`);
    const cert = this.#read(`${at}.pem`);
    const { fingerprint256, publicKey } = new X509Certificate(cert);
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    return {
      cert,
      key: this.#read(`${at}.key`),
      certificateDigest: fingerprint256,
      keyDigest: hash('sha256', spki, 'base64'),
    };
  }

  /** Those that are revoked from here on. */
  revoke(...certificates: readonly Made[]): string {
    certificates.forEach(({ cert }, i) => {
      writeFileSync(join(this.#folder, `revoked-${i}.pem`), cert);
      this.#openssl('ca', '-config', 'ca.cnf', '-revoke', `revoked-${i}.pem`);
    });
    this.#openssl('ca', '-config', 'ca.cnf', '-gencrl', '-out', 'crl.pem');
    return this.#read('crl.pem');
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #openssl(...args: readonly string[]): void {
    execFileSync('openssl', args, { cwd: this.#folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8');
  }
}
