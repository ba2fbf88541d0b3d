/** The applications behind every proxy, on the load generator's core: one for each kind of traffic, shared by all. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { listening, start } from '../children.ts';
import { LOAD_CORE } from '../cores.ts';
import { freePort } from '../free-port.ts';
import type { BackendPorts, Traffic } from '../proxies.ts';
import { nginxConfig, nginxRequests } from './nginx.ts';

export interface Backends {
  readonly ports: BackendPorts;
  /** Requests (messages, MiB) that it has answered so far. */
  count(traffic: Traffic): Promise<number>;
}

const PROGRAMS = ['grpc', 'websocket', 'bulk'] as const;

export async function startBackends(folder: string): Promise<Backends> {
  mkdirSync(folder, { recursive: true });
  const http = await freePort();
  start(LOAD_CORE, 'nginx', ['-c', nginxConfig(folder, http)]);
  await listening(http);
  const ports: Record<Traffic, number> = { http, grpc: 0, websocket: 0, bulk: 0 };
  const counters = new Map<Traffic, number>();
  for (const program of PROGRAMS) {
    const [port, counter] = [await freePort(), await freePort()];
    start(LOAD_CORE, process.execPath, [join(import.meta.dirname, `${program}.ts`), String(port), String(counter)]);
    await listening(counter);
    ports[program] = port;
    counters.set(program, counter);
  }
  const count = async (traffic: Traffic): Promise<number> => {
    if (traffic === 'http') return nginxRequests(http);
    const counter = counters.get(traffic);
    return counter === undefined ? Number.NaN : Number(await text(connect(counter, '127.0.0.1')));
  };
  return { ports, count };
}
