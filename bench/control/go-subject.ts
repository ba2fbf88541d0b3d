/**
 * A control plane on the go-control-plane library with the resources that Weft generates, and Weft's CA. Like those who
 * write one, it keeps a snapshot a node and replaces it when something of the node has changed.
 */
import { execFileSync } from 'node:child_process';
import { createWriteStream, writeFileSync } from 'node:fs';
import { finished } from 'node:stream/promises';
import { join } from 'node:path';
import type { Address } from '../../src/core/runtime.ts';
import type { XdsResource } from '../../src/xds/resource.ts';
import { program } from '../../test/support/components.ts';
import { type Started, start, until } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { GeneratedMesh } from './generated-mesh.ts';
import { routeObject, stampedAddress, workloadObject } from './mesh-objects.ts';
import type { Subject } from './subject.ts';
import { openSvidIssuer } from './svid-issuer.ts';

const SOURCE = join(import.meta.dirname, 'go-control-plane');
const START_MS = 60_000;

export function buildGoControlPlane(folder: string): string {
  const to = join(folder, 'go-control-plane');
  const env = { ...process.env, CGO_ENABLED: '0' };
  execFileSync(program('go'), ['build', '-o', to, '.'], { cwd: SOURCE, env, timeout: 300_000 });
  return to;
}

interface Places {
  readonly xds: string;
  readonly changes: string;
}

export class GoSubject implements Subject {
  readonly name = 'go-control-plane';
  readonly #folder: string;
  readonly #program: string;
  readonly #services: number;
  readonly #mesh: GeneratedMesh;
  #started: Started | null = null;
  #at: Places | null = null;

  private constructor(folder: string, binary: string, services: number, mesh: GeneratedMesh) {
    this.#folder = folder;
    this.#program = binary;
    this.#services = services;
    this.#mesh = mesh;
  }

  /** `stateDir`: whose CA is used; `binary`: of `buildGoControlPlane`. */
  static async make(folder: string, stateDir: string, binary: string, services: number, proxies: number) {
    const issuer = await openSvidIssuer(stateDir);
    const svid = await issuer.issue('weft-system', 'control-plane', 'control-plane');
    writeFileSync(join(folder, 'cert.pem'), svid.certificateChainPem);
    writeFileSync(join(folder, 'key.pem'), svid.privateKeyPem, { mode: 0o600 });
    writeFileSync(join(folder, 'ca.pem'), issuer.trustBundlePem);
    return new GoSubject(folder, binary, services, new GeneratedMesh(services, proxies, issuer.trustBundlePem));
  }

  get pid(): number {
    if (this.#started === null) throw new Error('not started');
    return this.#started.pid;
  }

  get xds(): Address {
    const { hostname, port } = new URL(`http://${this.#places.xds}`);
    return { host: hostname, port: Number(port) };
  }

  async start(): Promise<void> {
    const file = (name: string): string => join(this.#folder, name);
    await this.#writeResources(file('resources'));
    const files = [
      '-resources',
      file('resources'),
      '-cert',
      file('cert.pem'),
      '-key',
      file('key.pem'),
      '-ca',
      file('ca.pem'),
    ];
    const again = this.#at === null ? [] : ['-xds', this.#at.xds];
    const started = start(PROXY_CORE, this.#program, [...files, ...again]);
    this.#started = started;
    this.#at = await until('go-control-plane serves', START_MS, () => {
      if (started.child.exitCode !== null) throw new Error(`go-control-plane ended: ${started.output()}`);
      const [, line] = /^(\{.*\})$/m.exec(started.output()) ?? [];
      return line === undefined ? null : (JSON.parse(line) as Places);
    });
  }

  async stop(): Promise<void> {
    await this.#started?.stop();
  }

  moveEndpoint(service: number, change: number): Promise<void> {
    const workload = workloadObject({ service, replica: 0 }, this.#services, stampedAddress(change));
    return this.#put(this.#mesh.change(workload));
  }

  changeRoute(service: number, change: number): Promise<void> {
    return this.#put(this.#mesh.change(routeObject(service, change)));
  }

  get #places(): Places {
    if (this.#at === null) throw new Error('not started');
    return this.#at;
  }

  async #put(changed: ReadonlyMap<number, XdsResource>): Promise<void> {
    const parts: Uint8Array[] = [];
    for (const [id, { bytes }] of changed) {
      const head = Buffer.alloc(8);
      head.writeUInt32BE(id, 0);
      head.writeUInt32BE(bytes.length, 4);
      parts.push(head, bytes);
    }
    const response = await fetch(`http://${this.#places.changes}/`, { method: 'POST', body: Buffer.concat(parts) });
    if (!response.ok) throw new Error(`go-control-plane refused a change: ${await response.text()}`);
  }

  /** Lines, because all of it would be too much for one text. */
  async #writeResources(path: string): Promise<void> {
    const out = createWriteStream(path);
    for (const { type, bytes } of this.#mesh.resources) {
      out.write(`${JSON.stringify({ Type: type, Bytes: Buffer.from(bytes).toString('base64') })}\n`);
    }
    for (const { id, resources } of this.#mesh.nodes) {
      out.write(`${JSON.stringify({ Node: id, Resources: resources })}\n`);
    }
    out.end();
    await finished(out);
  }
}
