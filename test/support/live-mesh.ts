/** A mesh of child processes with a state directory of its own: what the end-to-end suites have in common. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Workload } from '../../src/api/kinds/workload.ts';
import type { AdminFile } from '../../src/control/admin-file.ts';
import { type Child, type Finished, until } from './child.ts';
import { MeshShell } from './mesh-shell.ts';
import { startWeft, weft } from './weft-program.ts';

const START_LIMIT_MS = 30_000;
const READY_LIMIT_MS = 30_000;
const ANSWER_LIMIT_MS = 10_000;

export interface RunOptions {
  readonly service: string;
  /** As `--port` takes them. */
  readonly ports?: readonly (string | number)[];
  readonly uses?: readonly string[];
  /** Default: the service's name. */
  readonly name?: string;
  readonly flags?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
}

/** One line of an admin endpoint's `/weft/stats`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

export class LiveMesh {
  /** Removed at the end, with whatever applications have put there. */
  readonly directory = mkdtempSync(join(tmpdir(), 'weft-e2e-'));
  readonly stateDir = join(this.directory, 'state');
  readonly #children: Child[] = [];
  #controlPlane: Child | null = null;

  start(...flags: string[]): Promise<void> {
    return this.startControlPlane('--listen', '127.0.0.1:0', '--xds-listen', '127.0.0.1:0', ...flags);
  }

  async startControlPlane(...flags: string[]): Promise<void> {
    this.#controlPlane = this.weftChild(['up', '-o', 'json', ...flags]);
    await this.#controlPlane.said(/"server":"https/, START_LIMIT_MS);
  }

  get controlPlane(): Child {
    assert.ok(this.#controlPlane !== null);
    return this.#controlPlane;
  }

  get admin(): AdminFile {
    return JSON.parse(readFileSync(join(this.stateDir, 'admin.json'), 'utf8')) as AdminFile;
  }

  get #env(): NodeJS.ProcessEnv {
    return { WEFT_STATE_DIR: this.stateDir };
  }

  /** A `weft` that lives until the end of the mesh. */
  weftChild(args: readonly string[], options: Pick<RunOptions, 'env' | 'cwd'> = {}): Child {
    return this.adopt(startWeft(args, { ...options, env: { ...this.#env, ...options.env } }));
  }

  adopt(child: Child): Child {
    this.#children.push(child);
    return child;
  }

  weft(args: readonly string[], options: Pick<RunOptions, 'env' | 'cwd'> = {}): Promise<Finished> {
    return weft(args, { ...options, env: { ...this.#env, ...options.env } });
  }

  /** `weft run`, not waited for. */
  run(options: RunOptions, ...command: string[]): Child {
    const { service, ports = [], uses, name = service, flags = [] } = options;
    const words = ['run', '--service', service, '--name', name, ...ports.flatMap((port) => ['--port', String(port)])];
    const used = uses === undefined ? [] : ['--uses', uses.join(',')];
    return this.weftChild([...words, ...used, ...flags, '--', ...command], options);
  }

  /** `weft run`, until it takes traffic. */
  async serve(options: RunOptions, ...command: string[]): Promise<Child> {
    const child = this.run(options, ...command);
    await this.ready(options.name ?? options.service, child);
    return child;
  }

  /** A shell under a sidecar that lives on between its commands, so that what the sidecar counted can be asked for. */
  async shell(options: RunOptions): Promise<MeshShell> {
    const child = this.run(options, 'sh');
    const shell = new MeshShell(child);
    await shell.exec('true');
    return shell;
  }

  async ready(name: string, child?: Child): Promise<void> {
    await until(`workload ${name} is ready`, READY_LIMIT_MS, async () => {
      if (child !== undefined && child.code !== null) throw new Error(child.describe('ended before it was ready'));
      return (await this.workload(name))?.status?.ready === true;
    }).catch((error: unknown) => {
      throw child === undefined ? error : new Error(child.describe(String(error)), { cause: error });
    });
  }

  async workload(name: string): Promise<Workload | null> {
    const { status, body } = await this.api('GET', `/apis/weft.mesh/v1/namespaces/default/workloads/${name}`);
    if (status === 404) return null;
    assert.equal(status, 200, JSON.stringify(body));
    return body as Workload;
  }

  api(method: string, path: string, body?: unknown): Promise<ApiAnswer> {
    const { server, caPem, token } = this.admin;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const request = httpsRequest(`${server}${path}`, { method, ca: caPem, headers, agent: false });
    return answerOf(request, body);
  }

  /** What the sidecar of a workload counted. */
  async stats(name: string): Promise<readonly Sample[]> {
    const port = (await this.workload(name))?.spec?.adminPort;
    assert.ok(port !== undefined, `${name} has no admin endpoint`);
    const { body } = await answerOf(httpRequest(`http://127.0.0.1:${port}/weft/stats`, { agent: false }));
    return body as Sample[];
  }

  /** Sum of the counter over the labels that are given. */
  async count(workload: string, name: string, labels: Readonly<Record<string, string>>): Promise<number> {
    const matching = (await this.stats(workload)).filter(
      (sample) => sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return matching.reduce((sum, sample) => sum + sample.value, 0);
  }

  /**
   * Asserts that the sidecar of `workload` carried something, all of it with mTLS, between these two services, as the
   * one that accepts or the one that calls. `of`: requests of HTTP or connections of TCP.
   */
  async assertSecure(
    workload: string,
    of: 'requests' | 'tcp_connections',
    direction: 'inbound' | 'outbound',
    [source, destination]: readonly [string, string],
    atLeast = 1,
  ): Promise<void> {
    const edge = { direction, source: `${source}.default`, destination: `${destination}.default` };
    const name = `weft_${of}_total`;
    // A request is counted at its end, which the client may see before the sidecar does.
    await until(
      `${workload} has counted ${atLeast} ${of} ${direction} ${source} → ${destination} with mTLS`,
      3_000,
      async () => {
        return (await this.count(workload, name, { ...edge, mtls: 'yes' })) >= atLeast;
      },
    );
    const plain = { direction, destination: edge.destination, mtls: 'no' };
    assert.equal(await this.count(workload, name, plain), 0, `plaintext ${direction} to ${destination}`);
  }

  /** In order: workloads first, then the control plane. Rejects when one of them did not end when it was told to. */
  async close(): Promise<void> {
    const workloads = this.#children.filter((child) => child !== this.#controlPlane);
    const hung: Child[] = [];
    const stop = async (child: Child): Promise<void> => void ((await child.stop()) || hung.push(child));
    await Promise.all(workloads.map(stop));
    if (this.#controlPlane !== null) await stop(this.#controlPlane);
    rmSync(this.directory, { recursive: true, force: true });
    assert.deepEqual(
      hung.map((child) => child.describe('did not end on SIGTERM')),
      [],
    );
  }
}

/** Above what sidecars take, and below what kernels give to connections and to port 0. */
const FREE_PORTS = { first: 30_000, count: 2_768 };

/** Test files run beside each other: each begins elsewhere. */
let nextFree = (process.pid * 101) % FREE_PORTS.count;

/** A port of 127.0.0.1 that nobody listens on, and that is not given twice: it is used later than it was looked at. */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < FREE_PORTS.count; tried++) {
    const port = FREE_PORTS.first + nextFree;
    nextFree = (nextFree + 1) % FREE_PORTS.count;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${FREE_PORTS.first} on is free`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

function answerOf(request: ReturnType<typeof httpRequest>, body?: unknown): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    request.setTimeout(ANSWER_LIMIT_MS, () => request.destroy(new Error(`no answer in ${ANSWER_LIMIT_MS} ms`)));
    request.once('error', reject);
    request.once('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.once('error', reject);
      response.once('end', () => {
        try {
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown });
        } catch {
          resolve({ status: response.statusCode ?? 0, body: text });
        }
      });
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
