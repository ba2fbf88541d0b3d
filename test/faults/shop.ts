/** The mesh of the fault tests: instances of `catalog`, and a client's sidecar through which the load goes. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Workload } from '../../src/api/kinds/workload.ts';
import type { Child } from '../support/child.ts';
import { freePort, type LiveMesh, type Sample } from '../support/live-mesh.ts';
import type { LoadOptions } from './load.ts';

const APP = join(import.meta.dirname, 'app.fixture.ts');
const START_LIMIT_MS = 20_000;

export interface InstanceOptions {
  /** Unset: `catalog`. */
  readonly service?: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Also ticks on a raw TCP port, named `ticks`, and on one of HTTP/2, named `http2`. */
  readonly ticks?: boolean;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** A workload and its record as it was when it became ready, so that both can be asked while the control plane is away. */
export class Member {
  readonly child: Child;
  readonly record: Workload;

  constructor(child: Child, record: Workload) {
    this.child = child;
    this.record = record;
  }

  /** Where its application reaches a service of the mesh. `port`: of the Service; unset: the first. */
  vip(service: string, port?: number): Address {
    const found = this.record.spec?.capture?.vips?.find(
      (each) => each.service === service && (port === undefined || each.port === port),
    );
    assert.ok(found !== undefined, `${this.record.metadata.name} has no address for ${service}`);
    return { host: found.address, port: found.vipPort };
  }

  /** Where other sidecars reach its first port. */
  get inbound(): Address {
    const { address = '', ports = [] } = this.record.spec ?? {};
    return { host: address, port: ports[0]?.proxyPort ?? 0 };
  }

  /** Of its first port: the application without its sidecar. */
  get appPort(): number {
    return this.record.spec?.ports?.[0]?.port ?? 0;
  }

  /** At once and together, as when the machine fails. The application is in a process group of its own. */
  async kill(): Promise<void> {
    const appPid = Number(/^app \S+ pid (\d+)$/m.exec(this.child.stdout)?.[1]);
    this.child.signal('SIGKILL');
    process.kill(appPid, 'SIGKILL');
    await this.child.exited;
  }

  async admin(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.record.spec?.adminPort}${path}`)).text();
  }

  /** Sum over the series of that name which have these labels. */
  async count(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const samples = JSON.parse(await this.admin('/weft/stats')) as readonly Sample[];
    const wanted = Object.entries(labels);
    return samples
      .filter((each) => each.name === name && wanted.every(([label, value]) => each.labels[label] === value))
      .reduce((sum, { value }) => sum + value, 0);
  }
}

export async function member(mesh: LiveMesh, name: string, child: Child): Promise<Member> {
  const record = await mesh.workload(name);
  assert.ok(record !== null, `${name} is not registered`);
  return new Member(child, record);
}

/** Resolves when it takes traffic. */
export async function startInstance(mesh: LiveMesh, name: string, options: InstanceOptions = {}): Promise<Member> {
  const { service = 'catalog', flags = [], env = {}, ticks = false } = options;
  const port = await freePort();
  const tickPort = ticks ? await freePort() : 0;
  const http2Port = ticks ? await freePort() : 0;
  const tickPorts = [`ticks=${tickPort}:tcp`, `http2=${http2Port}:http2`];
  const tickEnv = { TICK_PORT: String(tickPort), HTTP2_PORT: String(http2Port) };
  const child = await mesh.serve(
    {
      service,
      name,
      ports: [`web=${port}:http`, ...(ticks ? tickPorts : [])],
      flags,
      env: { PORT: String(port), NAME: name, ...(ticks ? tickEnv : {}), ...env },
    },
    process.execPath,
    APP,
  );
  return member(mesh, name, child);
}

/** A workload that only calls: a sidecar with nothing to do beside it. The services must exist. */
export async function startClient(mesh: LiveMesh, uses: readonly string[], name = 'client'): Promise<Member> {
  return member(mesh, name, await runClient(mesh, uses, name));
}

export async function runClient(mesh: LiveMesh, uses: readonly string[], name = 'client'): Promise<Child> {
  const child = mesh.run({ service: name, name, uses }, 'sh', '-c', `echo app ${name} pid $$; exec sleep 900`);
  await child.said(/"message":"proxy ready"/, START_LIMIT_MS);
  await child.said(/^app /m, START_LIMIT_MS);
  return child;
}

export function loadOn(client: Member, service = 'catalog'): Pick<LoadOptions, 'host' | 'port' | 'authority'> {
  return { ...client.vip(service), authority: service };
}

/** As `weft apply` does. */
export async function apply(mesh: LiveMesh, ...documents: readonly object[]): Promise<void> {
  const file = join(mesh.directory, 'applied.json');
  writeFileSync(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items: documents }));
  const { code, stderr } = await mesh.weft(['apply', '-f', file]);
  assert.equal(code, 0, stderr);
}
