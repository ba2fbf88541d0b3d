/** For tests: a mesh's certificates, an API server on a free port, and a plain HTTPS caller. */
import { randomFillSync } from 'node:crypto';
import { request as httpsRequest } from 'node:https';
import { RecordingLog } from '../../core/log.ts';
import type { Clock, TlsIdentity } from '../../core/runtime.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { type Issuer, writeIssuing, writeLeaf, writeRoot } from '../ca/certificate-writer.ts';
import { createLogStore } from '../store/log-store.ts';
import { noPersistence } from '../store/persistence.ts';
import { tokenHash } from './authenticate.ts';
import { type ApiServer, type ApiServerOptions, startApiServer } from './server.ts';
import type { Enrolments } from './writes/registration.ts';

export const ADMIN_TOKEN = 'the-admin-token-of-the-test';
const HOUR_MS = 3_600_000;
const random = { next: Math.random, fill: (bytes: Uint8Array) => void randomFillSync(bytes) };

const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  wake(at, run) {
    const timer = setTimeout(run, at - performance.now());
    return () => clearTimeout(timer);
  },
};

export interface LeafRequest {
  readonly uri: string;
  readonly commonName: string;
  readonly notAfter?: number;
}

/** A CA of its own: two of them are two meshes. */
export async function makeCa(trustDomain = 'weft.local') {
  const names = { commonName: 'test', trustDomain };
  const validity = { notBefore: Date.now() - HOUR_MS, notAfter: Date.now() + HOUR_MS };
  const rootKey = processKeyMaker.make();
  const root: Issuer = { key: rootKey, certificate: await writeRoot(random, rootKey, names, validity) };
  const key = processKeyMaker.make();
  const issuing: Issuer = { key, certificate: await writeIssuing(random, root, key, names, validity) };
  const trustBundlePem = root.certificate.toString();
  return {
    trustBundlePem,
    async leaf({ uri, commonName, notAfter }: LeafRequest): Promise<TlsIdentity> {
      const leafKey = processKeyMaker.make();
      const leafNames = { uri, commonName, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] };
      const life = { ...validity, notAfter: notAfter ?? validity.notAfter };
      const leaf = await writeLeaf(random, issuing, leafKey.publicKeySpki, leafNames, life);
      const certificateChainPem = leaf.toString() + issuing.certificate.toString();
      return { certificateChainPem, privateKeyPem: leafKey.privateKeyPem, trustBundlePem };
    },
  };
}

export interface CallOptions {
  readonly token?: string | null;
  readonly identity?: TlsIdentity;
  readonly body?: unknown;
  /** Sent as it is, in place of `body`. */
  readonly text?: string;
  readonly type?: string;
  readonly accept?: string;
}

/** What tests look at in answers of every shape: objects, lists, statuses, documents. What an answer lacks is undefined. */
export interface ApiBody {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly creationTimestamp: string;
    readonly managedFields: readonly [{ readonly manager: string }];
    readonly uid: string;
    readonly generation: number;
    readonly resourceVersion: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly address: string;
    readonly ports: readonly [{ readonly port: number }];
    readonly selector: { readonly app: string };
    readonly rules: readonly [{ readonly backendRefs: readonly [{ readonly name: string }] }];
  };
  readonly status: unknown;
  readonly items: readonly { readonly metadata: { readonly name: string } }[];
  /** Of a table. */
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly [
    { readonly cells: readonly [string, string, string, string]; readonly object: { readonly kind: string } },
  ];
  /** Of a failure. */
  readonly reason: string;
  readonly message: string;
  readonly details: {
    readonly hint: string;
    readonly deleted: number;
    readonly causes: readonly [{ readonly field: string; readonly message: string }];
  };
  /** Of a set of objects that is applied. */
  readonly results: readonly [{ readonly action: string }];
  readonly violations: readonly [{ readonly path: string }];
  /** Of discovery and OpenAPI. */
  readonly versions: readonly string[];
  readonly groups: readonly { readonly name: string }[];
  readonly preferredVersion: { readonly version: string };
  readonly resources: readonly {
    readonly name: string;
    readonly kind: string;
    readonly namespaced: boolean;
    readonly shortNames: readonly string[];
  }[];
  readonly gitVersion: string;
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly serverRelativeURL: string }>>;
}

export interface Answer {
  readonly status: number;
  readonly body: ApiBody;
  readonly text: string;
}

export class TestMesh {
  readonly server: ApiServer;
  readonly log: RecordingLog;
  readonly store: ReturnType<typeof createLogStore>;
  readonly ca: Awaited<ReturnType<typeof makeCa>>;
  readonly released: string[];

  private constructor(
    server: ApiServer,
    log: RecordingLog,
    store: TestMesh['store'],
    ca: TestMesh['ca'],
    released: string[],
  ) {
    this.server = server;
    this.log = log;
    this.store = store;
    this.ca = ca;
    this.released = released;
  }

  static async start(overrides: Partial<ApiServerOptions> = {}): Promise<TestMesh> {
    const ca = await makeCa();
    const log = new RecordingLog();
    const store = createLogStore(noPersistence, { maxCommits: 200, maxBytes: 10_000_000 });
    const released: string[] = [];
    const enrolments: Enrolments = {
      allowed: async (_namespace, workload) => {
        const [service = ''] = workload.split('.');
        return workload.startsWith('gone') ? null : { service, account: service };
      },
      release: async (namespace, workload) => void released.push(`${namespace}/${workload}`),
    };
    const server = await startApiServer({
      store,
      kinds: meshKinds,
      clock,
      log,
      listen: { host: '127.0.0.1', port: 0 },
      tls: await ca.leaf({ uri: 'spiffe://weft.local/ns/weft-system/sa/control-plane', commonName: 'weft-system/cp' }),
      trustDomain: 'weft.local',
      adminTokenHash: tokenHash(ADMIN_TOKEN),
      enrolments,
      routes: [],
      version: '0.0.0-test',
      ...overrides,
    });
    return new TestMesh(server, log, store, ca, released);
  }

  /** The SVID of workload `<service>.<n>` in a namespace, whose account is the service. */
  workload(namespace: string, workload: string): Promise<TlsIdentity> {
    const [account] = workload.split('.');
    const uri = `spiffe://weft.local/ns/${namespace}/sa/${account}`;
    return this.ca.leaf({ uri, commonName: `${namespace}/${workload}` });
  }

  /** As the admin unless the options say otherwise. */
  async call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    const { status, lines } = await this.open(method, path, options);
    let text = '';
    for await (const chunk of lines) text += chunk;
    return { status, text, body: JSON.parse(text.startsWith('{') ? text : '{}') as ApiBody };
  }

  /** The answer with its body still open. */
  open(
    method: string,
    path: string,
    options: CallOptions = {},
  ): Promise<{ status: number; lines: AsyncIterable<string>; close(): void }> {
    const token = options.token === undefined && options.identity === undefined ? ADMIN_TOKEN : options.token;
    const headers: Record<string, string> = { accept: options.accept ?? 'application/json', 'user-agent': 'test/1' };
    if (token) headers['authorization'] = `Bearer ${token}`;
    const text = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    if (text !== undefined) {
      headers['content-type'] = options.type ?? 'application/json';
      headers['content-length'] = String(Buffer.byteLength(text));
    }
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        {
          host: '127.0.0.1',
          port: this.server.address.port,
          method,
          path,
          headers,
          agent: false,
          ca: this.ca.trustBundlePem,
          ...(options.identity === undefined
            ? {}
            : { cert: options.identity.certificateChainPem, key: options.identity.privateKeyPem }),
        },
        (response) => {
          response.setEncoding('utf8');
          resolve({ status: response.statusCode ?? 0, lines: response, close: () => response.destroy() });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(text);
    });
  }

  async close(): Promise<void> {
    await this.server.close();
    await this.store.close();
  }
}

export const SERVICES = '/api/v1/namespaces/default/services';
export const ROUTES = '/apis/gateway.networking.k8s.io/v1/namespaces/default/httproutes';
export const WORKLOADS = '/apis/weft.mesh/v1/namespaces/default/workloads';

export function service(name: string, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const spec = { selector: { app: name }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, ...overrides }, spec };
}

export function route(name: string, backend: string): Record<string, unknown> {
  const parentRefs = [{ group: '', kind: 'Service', name }];
  const rules = [{ backendRefs: [{ name: backend, port: 80 }] }];
  const spec = { parentRefs, rules };
  return { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'HTTPRoute', metadata: { name }, spec };
}

export function workload(name: string, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  const [app = ''] = name.split('.');
  const spec = { service: app, account: app, address: '127.0.0.1', ports: [{ port: 8080, proxyPort: 15_001 }] };
  const metadata = { name, namespace: 'default', labels: { app } };
  return { apiVersion: 'weft.mesh/v1', kind: 'Workload', metadata, spec: { ...spec, ...overrides } };
}
