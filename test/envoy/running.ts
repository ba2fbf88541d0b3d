/** A real Envoy on a bootstrap of static resources, for a suite: where its listeners are, and what it counted. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, until } from '../support/child.ts';
import { startWeft } from '../support/weft-program.ts';
import { program } from '../support/components.ts';

type Json = Readonly<Record<string, unknown>>;

export interface RunningEnvoy {
  /** Of each listener, by its name. */
  readonly ports: ReadonlyMap<string, number>;
  /** The text of an admin endpoint, such as `/stats`. */
  admin(path: string): Promise<string>;
  stop(): Promise<void>;
}

interface ListenerStatuses {
  readonly listener_statuses: readonly {
    readonly name: string;
    readonly local_address: { readonly socket_address: { readonly port_value: number } };
  }[];
}

/** `bootstrap` without `admin`. Listeners take port 0. Rejects with Envoy's words where it refuses. */
export function startEnvoy(bootstrap: Json): Promise<RunningEnvoy> {
  const args = ['--use-dynamic-base-id', '--concurrency', '1', '--log-level', 'error', '--drain-time-s', '1'];
  return startProxy(bootstrap, (more) => new Child(program('envoy'), [...args, ...more]));
}

/** The same for our own proxy, whose flags and admin endpoint are the same. */
export function startWeftProxy(bootstrap: Json): Promise<RunningEnvoy> {
  return startProxy(bootstrap, (more) => startWeft(['proxy', '--drain-time', '1', ...more]));
}

async function startProxy(bootstrap: Json, start: (args: readonly string[]) => Child): Promise<RunningEnvoy> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-envoy-'));
  const config = join(folder, 'envoy.json');
  const adminFile = join(folder, 'admin');
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  writeFileSync(config, JSON.stringify({ ...bootstrap, admin }));
  const child = start(['--admin-address-path', adminFile, '-c', config]);
  const stop = async () => {
    await child.stop(5_000);
    rmSync(folder, { recursive: true, force: true });
  };
  const ask = async (path: string) => (await fetch(`http://${readFileSync(adminFile, 'utf8')}${path}`)).text();
  try {
    await until('the proxy serves', 60_000, async () => {
      if (child.code !== null) throw new Error(child.describe('ended'));
      try {
        return (await ask('/ready')).startsWith('LIVE');
      } catch {
        return null;
      }
    });
    const { listener_statuses: listeners } = JSON.parse(await ask('/listeners?format=json')) as ListenerStatuses;
    const ports = new Map(listeners.map((each) => [each.name, each.local_address.socket_address.port_value]));
    return { ports, admin: ask, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
