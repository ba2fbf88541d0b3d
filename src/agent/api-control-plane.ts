/** The control plane over its HTTPS API, trusted by the root that the state directory holds or the join token names. */
import type { Service } from '../api/kinds/service.ts';
import { createHttpsTransport, type Credential } from '../client/https-transport.ts';
import { enrol, renew } from '../client/identity.ts';
import { SERVICES, WORKLOADS } from '../client/kind-ref.ts';
import { renewLease } from '../client/mesh.ts';
import { fetchPinnedRoot } from '../client/pinned-root.ts';
import { ResourceClient } from '../client/resources.ts';
import type { HttpTransport } from '../client/transport.ts';
import { isWeftError } from '../core/errors.ts';
import type { SvidSource } from '../identity/svid.ts';
import type { ControlPlane, KnownService } from './control-plane.ts';

const FIELD_MANAGER = 'weft-agent';

/** How the server is recognised: by its root, or by the root's hash from a join token. */
export type ServerTrust = { readonly caPem: string } | { readonly caHash: string };

export interface ApiControlPlaneOptions {
  /** `https://host:port` */
  readonly server: string;
  readonly trust: ServerTrust;
  readonly namespace: string;
  readonly workload: string;
  /** Read for each call. */
  readonly svid: SvidSource;
}

export function apiControlPlane(options: ApiControlPlaneOptions): ControlPlane {
  const { server, namespace, workload, svid } = options;
  let transport: HttpTransport | null = null;
  let rootPem = 'caPem' in options.trust ? options.trust.caPem : null;
  const root = async (): Promise<string> => {
    // A root that was fetched by hash is kept: a later answer of the server cannot change it.
    rootPem ??= 'caHash' in options.trust ? await fetchPinnedRoot(server, options.trust.caHash) : options.trust.caPem;
    return rootPem;
  };
  const open = async (): Promise<HttpTransport> => {
    const caPem = await root();
    transport ??= createHttpsTransport({ server, caPem, credential: () => credentialOf(svid) });
    return transport;
  };
  return {
    trustedRoot: root,
    enrol: async (joinToken, request) => enrol(await open(), joinToken, request),
    renew: async (csrPem) => renew(await open(), csrPem),
    async services() {
      const { items } = await new ResourceClient(await open()).list<Service>(SERVICES, null);
      return items.map(knownService);
    },
    async register(record) {
      await new ResourceClient(await open()).apply(WORKLOADS, record, { fieldManager: FIELD_MANAGER, force: true });
    },
    lease: async (request) => renewLease(await open(), namespace, workload, request),
    async deregister() {
      try {
        await new ResourceClient(await open()).delete(WORKLOADS, namespace, workload);
      } catch (error) {
        if (!isWeftError(error, 'not-found')) throw error;
      }
    },
    close: () => transport?.close(),
  };
}

function credentialOf(source: SvidSource): Credential {
  const svid = source.current();
  return svid === null ? { kind: 'none' } : { kind: 'certificate', ...svid };
}

function knownService(service: Service): KnownService {
  const ports = service.spec?.ports ?? [];
  return {
    namespace: service.metadata.namespace ?? 'default',
    name: service.metadata.name,
    ports: ports.map((port) => ({ name: port.name ?? '', port: port.port })),
  };
}
