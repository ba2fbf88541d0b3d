/** One mesh of programs that speak xDS themselves, in three languages, with sidecars among them. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Child } from '../support/child.ts';
import { freePort, LiveMesh, type RunOptions } from '../support/live-mesh.ts';
import { buildGoProbe, type Language, LANGUAGES, ProbeClient, probeCommand } from './probe.ts';

const PROXYLESS = ['--proxy', 'none'];

export class ProxylessMesh {
  readonly mesh = new LiveMesh();
  readonly clients = new Map<Language, ProbeClient>();
  #goProbe = '';
  #files = 0;
  readonly #ports = new Map<string, number>();

  async start(...flags: string[]): Promise<void> {
    this.#goProbe = buildGoProbe(this.mesh.directory);
    await this.mesh.start(...flags);
  }

  close(): Promise<void> {
    return this.mesh.close();
  }

  /** Resolves when it takes traffic. */
  async serve(language: Language, options: RunOptions): Promise<Child> {
    const child = await this.launch(language, options);
    await this.mesh.ready(options.name ?? options.service, child);
    return child;
  }

  /** Not waited for. One that is started again has the port that it had. */
  async launch(language: Language, options: RunOptions): Promise<Child> {
    const name = options.name ?? options.service;
    const port = this.#ports.get(name) ?? (await freePort());
    this.#ports.set(name, port);
    const flags = [...PROXYLESS, ...(options.flags ?? [])];
    // Each of the addresses that a server's listener may name.
    const host = { js: '127.0.0.1', go: '[::]', python: '0.0.0.0' }[language];
    const command = [...probeCommand(language, this.#goProbe), 'server', 'xds', `${host}:${port}`, name];
    return this.mesh.run({ ...options, ports: [`${port}:grpc`], flags }, ...command);
  }

  async serveBehindSidecar(options: RunOptions): Promise<Child> {
    const port = await freePort();
    const name = options.name ?? options.service;
    const command = [this.#goProbe, 'server', 'plain', `127.0.0.1:${port}`, name];
    return this.mesh.serve({ ...options, ports: [`${port}:grpc`] }, ...command);
  }

  client(language: Language, options: RunOptions): ProbeClient {
    const command = [...probeCommand(language, this.#goProbe), 'client', 'xds'];
    return new ProbeClient(this.mesh.run({ ...options, flags: [...PROXYLESS, ...(options.flags ?? [])] }, ...command));
  }

  clientBehindSidecar(options: RunOptions): ProbeClient {
    return new ProbeClient(this.mesh.run(options, this.#goProbe, 'client', 'plain'));
  }

  /** One in each language, by the name `call-LANGUAGE`. */
  startClients(): void {
    for (const language of LANGUAGES) {
      this.clients.set(language, this.client(language, { service: `call-${language}` }));
    }
  }

  of(language: Language): ProbeClient {
    const client = this.clients.get(language);
    assert.ok(client);
    return client;
  }

  async apply(resources: object): Promise<void> {
    const path = join(this.mesh.directory, `applied-${++this.#files}.json`);
    writeFileSync(path, JSON.stringify(resources));
    const { code, stderr } = await this.mesh.weft(['apply', '-f', path]);
    assert.equal(code, 0, stderr);
  }

  async delete(kind: string, name: string): Promise<void> {
    const { code, stderr } = await this.mesh.weft(['delete', kind, name]);
    assert.equal(code, 0, stderr);
  }
}

/** Calls of all clients at once. */
export function inAllLanguages(what: (language: Language) => Promise<unknown>): Promise<unknown[]> {
  return Promise.all(LANGUAGES.map(what));
}
