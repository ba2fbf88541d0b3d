/** A sidecar in a process of its own and an application behind it, for tests that put load on it. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { Child } from '../support/child.ts';

export interface SidecarState {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
  readonly arrayBuffers: number;
  readonly connections: number;
  readonly timersArmed: number;
  /** Of the event loop, since the start. */
  readonly busyMs: number;
  readonly idleMs: number;
  /** What of it went into the cost that requests are given (`costMs`). */
  readonly carryMs: number;
  readonly series: readonly {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
  }[];
}

export interface Sidecar {
  /** In clear text; with mTLS, as from another sidecar; in clear text and from there through the second. */
  readonly port: number;
  readonly innerPort: number;
  readonly meshPort: number;
  /** What a caller presents to the second. */
  readonly client: {
    readonly certificateChainPem: string;
    readonly privateKeyPem: string;
    readonly trustBundlePem: string;
  };
  readonly pid: number;
  /** What it has logged. */
  log(): string;
  state(): Promise<SidecarState>;
  /** How long `GET /ready` took, ms; rejects when it does not answer. */
  ready(): Promise<number>;
  close(): Promise<void>;
}

const END = '\r\n\r\n';
const BIG = Buffer.from('GET /big ');
const HOLD = Buffer.from('POST /hold ');
const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine');
const BIG_BYTES = 4 << 20;
const BIG_ANSWER = Buffer.concat([
  Buffer.from(`HTTP/1.1 200 OK\r\ncontent-length: ${BIG_BYTES}\r\n\r\n`),
  Buffer.alloc(BIG_BYTES, 'x'),
]);

/** It makes keys and certificates first, perhaps on a busy machine. */
const START_MS = 60_000;
const HERE = '127.0.0.1';

export interface SidecarOptions {
  /** Collects before it tells of its memory. */
  readonly exposeGc?: boolean;
  /** CPU that each request costs beyond its own. */
  readonly costMs?: number;
  /** How often configuration, endpoints and certificates change. Default: never. */
  readonly churnMs?: number;
}

/** `/big`: a response of 4 MiB; POST to `/hold`: none; any other path answers at once with a short one. */
export async function startSidecar(options: SidecarOptions = {}): Promise<Sidecar> {
  const open = new Set<Socket>();
  const app = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (bytes: Buffer) => answer(socket, bytes));
  });
  const appPort = await listen(app);
  const fixture = resolve(import.meta.dirname, 'sidecar.fixture.ts');
  const flags = options.exposeGc === true ? ['--expose-gc'] : [];
  const numbers = [appPort, options.costMs ?? 0, options.churnMs ?? 0].map(String);
  const child = new Child(process.execPath, [...flags, fixture, ...numbers]);
  const [, said = ''] = await child.said(/^(\{.*\})$/m, START_MS).catch(async (error: unknown) => {
    await child.stop(0);
    app.close();
    throw error;
  });
  const { admin, ...where } = JSON.parse(said) as Pick<Sidecar, 'port' | 'innerPort' | 'meshPort' | 'client'> & {
    readonly admin: number;
  };
  const get = (path: string): Promise<Response> =>
    fetch(`http://${HERE}:${admin}${path}`, { signal: AbortSignal.timeout(10_000) });
  return {
    ...where,
    pid: child.pid,
    log: () => child.stderr,
    state: async () => (await (await get('/state')).json()) as SidecarState,
    async ready() {
      const startedAt = performance.now();
      await (await get('/ready')).text();
      return performance.now() - startedAt;
    },
    async close() {
      await child.stop(2_000);
      for (const socket of open) socket.destroy();
      await new Promise((done) => app.close(done));
    },
  };
}

/** The value of one series, 0 when it was never counted. */
export function valueOf(state: SidecarState, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const wanted = Object.entries(labels);
  return state.series
    .filter((series) => series.name === name && wanted.every(([key, value]) => series.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0);
}

/** Requests without a body, whole in one read: what the sidecar makes of those that tests send. Cheap, so that it is not measured. */
function answer(socket: Socket, bytes: Buffer): void {
  if (bytes.subarray(0, HOLD.length).equals(HOLD)) return;
  for (let at = bytes.indexOf(END); at >= 0; at = bytes.indexOf(END, at + 1)) {
    socket.write(bytes.subarray(0, 9).equals(BIG) ? BIG_ANSWER : ANSWER);
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((done) =>
    server.listen({ port: 0, host: HERE, backlog: 4_096 }, () => done((server.address() as AddressInfo).port)),
  );
}
