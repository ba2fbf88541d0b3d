/**
 * Finds the port that an application listens on (`--port auto`), through what Linux tells about its processes: the
 * sockets that they hold, matched with the sockets that listen.
 */
import { WeftError } from '../core/errors.ts';
import type { Clock, Files } from '../core/runtime.ts';
import { pause } from './pause.ts';

const LISTEN_STATE = '0A';
const POLL_MS = 100;
const MAX_PROCESSES = 512;
/** IPv4 and IPv6 wildcard and loopback, as the kernel prints them: what 127.0.0.1 reaches. */
const REACHABLE = new Set([
  '00000000',
  '0100007F',
  '00000000000000000000000000000000',
  '0000000000000000FFFF00000100007F',
  '0000000000000000FFFF000000000000',
]);

export interface ListeningPortOptions {
  readonly files: Files;
  readonly clock: Clock;
  /** `process.platform` */
  readonly platform: string;
  readonly timeoutMs: number;
}

/** The lowest port, once there is one. Rejects with `unsupported` off Linux, `timeout`, or `unavailable` when aborted. */
export async function waitForListeningPort(
  pid: number,
  options: ListeningPortOptions,
  signal: AbortSignal,
): Promise<number> {
  if (options.platform !== 'linux') {
    throw new WeftError('unsupported', {
      what: "the application's port can be found on Linux only",
      hint: 'Give it with --port',
    });
  }
  const { clock, files, timeoutMs } = options;
  const deadline = clock.now() + timeoutMs;
  while (!signal.aborted) {
    const [port] = await listeningPorts(files, pid);
    if (port !== undefined) return port;
    if (clock.now() >= deadline) {
      throw new WeftError('timeout', {
        what: `the application listens on no TCP port of 127.0.0.1 after ${timeoutMs / 1000} s`,
        where: `process ${pid} and its children`,
        hint: 'Give the port with --port, or leave --port out for an application that only calls others',
      });
    }
    await pause(clock, POLL_MS, signal);
  }
  throw new WeftError('unavailable', { what: 'the application ended before it listened on a port' });
}

/** Ports that this process or a descendant listens on, reachable at 127.0.0.1, lowest first. */
export async function listeningPorts(files: Files, pid: number): Promise<readonly number[]> {
  const tables = await Promise.all(['tcp', 'tcp6'].map((name) => readText(files, `/proc/${pid}/net/${name}`)));
  const byInode = new Map(tables.flatMap(listeningSockets));
  if (byInode.size === 0) return [];
  const ports = new Set<number>();
  for (const member of await processTree(files, pid)) {
    const directory = `/proc/${member}/fdinfo`;
    for (const fd of await listOrNothing(files, directory)) {
      // `ino:` is there since Linux 5.14.
      const inode = /^ino:\s*(\d+)$/m.exec(await readText(files, `${directory}/${fd}`))?.[1];
      const port = inode === undefined ? undefined : byInode.get(inode);
      if (port !== undefined) ports.add(port);
    }
  }
  return [...ports].toSorted((a, b) => a - b);
}

/** Rows of /proc/net/tcp (proc(5)): `sl local_address rem_address st … inode`, the local port in hex. */
function listeningSockets(table: string): [inode: string, port: number][] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line): [string, number][] => {
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/);
      const [host = '', port = ''] = local.split(':');
      return state === LISTEN_STATE && inode !== undefined && REACHABLE.has(host) ? [[inode, parseInt(port, 16)]] : [];
    });
}

async function processTree(files: Files, root: number): Promise<readonly string[]> {
  const tree = [String(root)];
  for (let i = 0; i < tree.length && tree.length < MAX_PROCESSES; i += 1) {
    const tasks = `/proc/${tree[i]}/task`;
    for (const thread of await listOrNothing(files, tasks)) {
      const children = await readText(files, `${tasks}/${thread}/children`);
      tree.push(...children.split(' ').filter((child) => /^\d+$/.test(child)));
    }
  }
  return tree;
}

/** Processes and descriptors come and go while they are read: what is gone holds nothing. */
async function readText(files: Files, path: string): Promise<string> {
  try {
    return Buffer.from(await files.read(path)).toString('latin1');
  } catch {
    return '';
  }
}

async function listOrNothing(files: Files, path: string): Promise<readonly string[]> {
  try {
    return await files.list(path);
  } catch {
    return [];
  }
}
