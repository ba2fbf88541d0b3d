/**
 * What a workload keeps on disk, so that its sidecar starts again while the control plane is away: the SVID with its
 * key, and the ports that its saved configuration names. Private to the user; a file that cannot be read is as none.
 */
import { join } from 'node:path';
import { isWeftError, messageOf } from '../core/errors.ts';
import type { Log } from '../core/log.ts';
import type { Files } from '../core/runtime.ts';
import { loadSigningKey } from '../identity/key-maker.ts';
import type { Svid } from '../identity/svid.ts';
import { workloadId } from '../identity/spiffe-id.ts';
import { assembleSvid } from '../identity/certificate.ts';
import type { KeptOutbound } from './outbound.ts';

const SECRET_MODE = 0o600;

/** An SVID and what came with it. */
export interface Membership {
  readonly svid: Svid;
  readonly trustDomain: string;
  readonly trustBundlePem: string;
  /** `host:port` of the xDS server. */
  readonly xds: string;
}

/** The numbers that this workload's listeners had. */
export interface KeptPorts extends KeptOutbound {
  /** Blocks of sidecar ports. */
  readonly blocks: readonly number[];
}

export function workloadDirectory(stateDir: string, namespace: string, workload: string): string {
  return join(stateDir, 'workloads', namespace, workload);
}

export class KeptState {
  readonly #files: Files;
  readonly #directory: string;
  readonly #log: Log;

  constructor(files: Files, directory: string, log: Log) {
    this.#files = files;
    this.#directory = directory;
    this.#log = log;
  }

  /** Checked as if it came from the network: key, chain, id and root must fit together. Expired ones are returned too. */
  async membership(namespace: string, account: string): Promise<Membership | null> {
    const kept = await this.#read<Membership>('svid.json');
    if (kept === null) return null;
    try {
      const id = workloadId(kept.trustDomain, namespace, account).text;
      const key = loadSigningKey(kept.svid.privateKeyPem);
      return { ...kept, svid: assembleSvid(id, key, kept.svid.certificateChainPem, kept.trustBundlePem) };
    } catch (error) {
      this.#log.warn('the SVID on disk is not used', { reason: messageOf(error) });
      return null;
    }
  }

  keepMembership(membership: Membership): Promise<void> {
    return this.#write('svid.json', membership);
  }

  ports(): Promise<KeptPorts | null> {
    return this.#read<KeptPorts>('ports.json');
  }

  keepPorts(ports: KeptPorts): Promise<void> {
    return this.#write('ports.json', ports);
  }

  async #read<T>(name: string): Promise<T | null> {
    try {
      return JSON.parse(Buffer.from(await this.#files.read(join(this.#directory, name))).toString('utf8')) as T;
    } catch (error) {
      if (!isWeftError(error, 'file-not-found'))
        this.#log.warn(`${name} on disk is not used`, { reason: messageOf(error) });
      return null;
    }
  }

  async #write(name: string, value: unknown): Promise<void> {
    const bytes = Buffer.from(JSON.stringify(value), 'utf8');
    await this.#files.write(join(this.#directory, name), bytes, SECRET_MODE);
  }
}
