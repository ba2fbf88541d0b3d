/** A whole mesh of child processes: a control plane, the project's resources, every workload; up in order, down in order. */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDocuments } from '../../api/documents.ts';
import { keyOf, keyText } from '../../api/resource.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Violation } from '../../api/violation.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import { ResourceClient } from '../../client/resources.ts';
import type { HttpTransport } from '../../client/transport.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { applyDocuments } from '../commands/apply.ts';
import { connectAsAdmin } from '../mesh/connect.ts';
import { readMeshStatus, syncState } from '../mesh/mesh-status.ts';
import { readInputs } from '../mesh/input-files.ts';
import { DEFAULT_NAMESPACE } from '../mesh/state-directory.ts';
import { sleepUnlessAborted } from '../until-signal.ts';
import { type ControlPlaneChild, startControlPlane } from './control-plane.ts';
import { endOrphans, RUN_VARIABLE } from './orphans.ts';
import { planResources, planWorkloads } from './plan.ts';
import type { Project } from './project-file.ts';
import { type Say, Supervised } from './supervised.ts';

const LOOK_MS = 200;
const SETTLE_LOOKS = 50;
const SETTLE_MS = 500;

export interface DevMeshOptions {
  readonly directory: string;
  readonly project: Project;
  /** null: a temporary one, which goes with the mesh. */
  readonly stateDir: string | null;
  readonly say: Say;
  readonly refuse: (violations: readonly Violation[]) => Error;
}

export class DevMesh {
  readonly stateDir: string;
  readonly namespace: string;
  readonly workloads: readonly Supervised[];
  readonly controlPlane: ControlPlaneChild;
  readonly #transport: HttpTransport;
  readonly #resources: ResourceClient;
  readonly #temporary: boolean;
  readonly #run: string;

  private constructor(parts: {
    stateDir: string;
    temporary: boolean;
    run: string;
    namespace: string;
    controlPlane: ControlPlaneChild;
    workloads: readonly Supervised[];
    transport: HttpTransport;
  }) {
    this.stateDir = parts.stateDir;
    this.namespace = parts.namespace;
    this.controlPlane = parts.controlPlane;
    this.workloads = parts.workloads;
    this.#transport = parts.transport;
    this.#resources = new ResourceClient(parts.transport);
    this.#temporary = parts.temporary;
    this.#run = parts.run;
  }

  /** Resolves when everything was started; nothing is left behind when it fails. */
  static async start(options: DevMeshOptions): Promise<DevMesh> {
    const { directory, project, say, refuse } = options;
    const namespace = project.namespace ?? DEFAULT_NAMESPACE;
    const files = (project.resources ?? []).map((file) => join(directory, file));
    const parsed = parseDocuments(meshKinds, readInputs(files), namespace);
    if (parsed.violations.length > 0) throw refuse(parsed.violations);
    const stateDir = options.stateDir ?? mkdtempSync(join(tmpdir(), 'weft-dev-'));
    const run = randomBytes(9).toString('base64url');
    const environment = { ...process.env, WEFT_LOG_LEVEL: 'warn', WEFT_LOG_FORMAT: 'text', [RUN_VARIABLE]: run };
    const remove = () => options.stateDir === null && rmSync(stateDir, { recursive: true, force: true });
    const controlPlane = await startControlPlane(stateDir, environment, say).catch((error: unknown) => {
      remove();
      throw error;
    });
    const { transport } = connectAsAdmin(stateDir);
    try {
      const resources = new ResourceClient(transport);
      const written = new Set(parsed.documents.map(({ resource }) => keyText(keyOf(resource))));
      const own = planResources(project).filter((each) => !written.has(keyText(keyOf(each))));
      const { violations = [] } = await resources.applySet(own, { fieldManager: 'weft-dev' });
      if (violations.length > 0) throw refuse(violations);
      await applyDocuments({ resources }, parsed.documents, { dryRun: false, refuse });
    } catch (error) {
      transport.close();
      await controlPlane.stop();
      remove();
      throw error;
    }
    const place = { directory, stateDir, namespace, environment, execPath: process.execPath };
    const workloads = planWorkloads(project).map((plan) => new Supervised(plan, place, say));
    return new DevMesh({
      stateDir,
      temporary: options.stateDir === null,
      run,
      namespace,
      controlPlane,
      workloads,
      transport,
    });
  }

  /** As the control plane has them. Throws `unavailable` while it is away. */
  async records(): Promise<readonly Workload[]> {
    const { items } = await this.#resources.list<Workload>(WORKLOADS, this.namespace);
    const own = new Set(this.workloads.map((each) => each.plan.name));
    return items.filter((item) => own.has(item.metadata.name));
  }

  /** The names of those that are not ready after `timeoutMs`; empty as soon as all are, and every proxy knows all of it. */
  async waitUntilReady(timeoutMs: number, stop: AbortSignal): Promise<string[]> {
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      const ready = new Set<string>();
      for (const each of await this.records().catch(() => []))
        if (each.status?.ready === true) ready.add(each.metadata.name);
      const missing = this.workloads.filter((each) => !ready.has(each.plan.name) && !each.finished);
      if (missing.length === 0) await this.#settle(stop);
      if (missing.length === 0 || stop.aborted || performance.now() > deadline)
        return missing.map((each) => each.plan.name);
      await sleepUnlessAborted(LOOK_MS, stop);
    }
  }

  /** Until every proxy has acknowledged what is true now, and what began before that has ended. */
  async #settle(stop: AbortSignal): Promise<void> {
    for (let looks = 0; looks < SETTLE_LOOKS && !stop.aborted; looks += 1) {
      const status = await readMeshStatus(this.#transport).catch(() => null);
      if (status?.proxies.every((proxy) => syncState(proxy) !== 'STALE') === true) break;
      await sleepUnlessAborted(LOOK_MS, stop);
    }
    await sleepUnlessAborted(SETTLE_MS, stop);
  }

  /**
   * Those that serve nobody first: they make the traffic. Then the others at once, the control plane last. False: a
   * control plane that the user started in its place lives on, and its state with it.
   */
  async stop(): Promise<boolean> {
    const callers = this.workloads.filter((each) => each.plan.ports.length === 0);
    await Promise.all(callers.map((each) => each.stop()));
    await Promise.all(this.workloads.map((each) => each.stop()));
    const replaced =
      this.controlPlane.gone() !== null &&
      (await this.records().then(
        () => true,
        () => false,
      ));
    this.#transport.close();
    await this.controlPlane.stop();
    endOrphans(this.#run);
    if (this.#temporary && !replaced) rmSync(this.stateDir, { recursive: true, force: true });
    return !replaced;
  }
}
