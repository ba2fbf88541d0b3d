/** `weft up` with the mesh in its store; changes go over its API, as an operator's and an agent's do. */
import { ResourceClient } from '../../src/client/resources.ts';
import { WORKLOADS } from '../../src/client/kind-ref.ts';
import type { HttpTransport } from '../../src/client/transport.ts';
import { connectAsAdmin } from '../../src/cli/mesh/connect.ts';
import { isWeftError } from '../../src/core/errors.ts';
import type { Address } from '../../src/core/runtime.ts';
import type { Started } from '../children.ts';
import { PROXY_CORE } from '../cores.ts';
import { WeftMesh } from '../weft/mesh.ts';
import { memberName, meshObjects, NAMESPACE, routeObject, stampedAddress } from './mesh-objects.ts';
import type { Subject } from './subject.ts';

/** Objects of one request: the API takes a few megabytes. */
const CHUNK = 200;
const BENCH = { fieldManager: 'bench' };

export class WeftSubject implements Subject {
  readonly name = 'weft';
  readonly stateDir: string;
  readonly #mesh: WeftMesh;
  readonly #services: number;
  #started: Started | null = null;
  #transport: HttpTransport | null = null;
  #isFilled = false;

  constructor(folder: string, bundle: string, nodeFlags: readonly string[], services: number) {
    this.#mesh = new WeftMesh(folder, bundle, nodeFlags);
    this.stateDir = this.#mesh.stateDir;
    this.#services = services;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get xds(): Address {
    const { transport, admin } = connectAsAdmin(this.stateDir);
    transport.close();
    const colon = admin.xds.lastIndexOf(':');
    return { host: admin.xds.slice(0, colon), port: Number(admin.xds.slice(colon + 1)) };
  }

  async start(): Promise<void> {
    this.#started = await this.#mesh.startControlPlane(PROXY_CORE);
    this.#transport = connectAsAdmin(this.stateDir).transport;
    if (this.#isFilled) return;
    this.#isFilled = true;
    const objects = meshObjects(this.#services);
    for (let at = 0; at < objects.length; at += CHUNK) {
      const { violations = [] } = await this.#client.applySet(objects.slice(at, at + CHUNK), BENCH);
      if (violations.length > 0) throw new Error(`the mesh was refused: ${JSON.stringify(violations.slice(0, 3))}`);
    }
  }

  async stop(): Promise<void> {
    this.#transport?.close();
    await this.#started?.stop();
  }

  async moveEndpoint(service: number, change: number): Promise<void> {
    const spec = { address: stampedAddress(change) };
    const name = memberName({ service, replica: 0 });
    await twice(() => this.#client.mergePatch(WORKLOADS, NAMESPACE, name, { spec }));
  }

  async changeRoute(service: number, change: number): Promise<void> {
    await twice(() => this.#client.applySet([routeObject(service, change)], BENCH));
  }

  get #running(): Started {
    if (this.#started === null) throw new Error('not started');
    return this.#started;
  }

  get #client(): ResourceClient {
    if (this.#transport === null) throw new Error('not started');
    return new ResourceClient(this.#transport);
  }
}

/** An idle connection may be closed in the moment in which it is used. */
async function twice(send: () => Promise<unknown>): Promise<void> {
  try {
    await send();
  } catch (error) {
    if (!isWeftError(error, 'unavailable')) throw error;
    await send();
  }
}
