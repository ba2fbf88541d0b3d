/** How a workload reaches the control plane and proves that it may join: by the state directory, or by a token from elsewhere. */
import { readFileSync, statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { ServerTrust } from '../../agent/api-control-plane.ts';
import { createToken } from '../../client/identity.ts';
import { NAMESPACES } from '../../client/kind-ref.ts';
import { ResourceClient } from '../../client/resources.ts';
import { isWeftError, messageOf, WeftError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import { UsageError } from '../exit-codes.ts';
import { connectAsAdmin } from '../mesh/connect.ts';

export interface JoinFlags {
  readonly controlPlane?: string;
  readonly tokenFile?: string;
  readonly caHash?: string;
}

export interface JoinPlan {
  readonly server: string;
  readonly trust: ServerTrust;
  /** Called only when there is no valid SVID on disk. */
  readonly joinToken: () => Promise<string>;
}

export interface Applicant {
  readonly stateDir: string;
  readonly namespace: string;
  readonly service: string;
  readonly account: string;
}

const TOKEN_SECONDS = 300;
const MAX_TOKEN_CHARS = 1_024;

export function planJoin(flags: JoinFlags, applicant: Applicant, log: Log): JoinPlan {
  const { controlPlane, caHash } = flags;
  if (controlPlane === undefined) {
    if (caHash !== undefined) throw new UsageError('--ca-hash needs --control-plane', 'weft token create prints both');
    return joinHere(flags, applicant);
  }
  if (caHash === undefined) {
    throw new UsageError('--control-plane needs --ca-hash, by which it is recognised', 'weft token create prints it');
  }
  return { server: serverOf(controlPlane), trust: { caHash }, joinToken: async () => givenToken(flags, log) };
}

/** The state directory vouches for the control plane, and lets us make a token for this one workload. */
function joinHere(flags: JoinFlags, { stateDir, namespace, service, account }: Applicant): JoinPlan {
  const { admin, transport } = connectAsAdmin(stateDir);
  transport.close();
  return {
    server: admin.server,
    trust: { caPem: admin.caPem },
    async joinToken() {
      if (flags.tokenFile !== undefined) return readToken(flags.tokenFile);
      const connection = connectAsAdmin(stateDir);
      try {
        await ensureNamespace(new ResourceClient(connection.transport), namespace);
        const request = { namespace, service, accounts: [account], uses: 1, ttlSeconds: TOKEN_SECONDS };
        return (await createToken(connection.transport, request)).token;
      } finally {
        connection.transport.close();
      }
    },
  };
}

/** Who runs a service in a namespace on the control plane's own machine wants it to be there. */
async function ensureNamespace(resources: ResourceClient, name: string): Promise<void> {
  try {
    await resources.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  } catch (error) {
    if (!isWeftError(error, 'already-exists')) throw error;
  }
}

function givenToken(flags: JoinFlags, log: Log): string {
  if (flags.tokenFile !== undefined) {
    if (flags.tokenFile !== '-' && (statSync(flags.tokenFile, { throwIfNoEntry: false })?.mode ?? 0) & 0o044) {
      log.warn('the token file can be read by others', { path: flags.tokenFile, hint: 'chmod 600' });
    }
    return readToken(flags.tokenFile);
  }
  const token = process.env['WEFT_TOKEN'] ?? '';
  if (token !== '') return token.trim();
  throw new UsageError(
    'a join token is needed',
    'Set WEFT_TOKEN, or name a file with --token-file (- is standard input)',
  );
}

function readToken(path: string): string {
  try {
    const token = readFileSync(path === '-' ? 0 : path, 'utf8').trim();
    if (token.length === 0 || token.length > MAX_TOKEN_CHARS) throw new Error('it holds no token');
    return token;
  } catch (error) {
    throw new WeftError('file-not-found', {
      what: `the join token cannot be read: ${messageOf(error)}`,
      where: path,
      hint: 'Make one with: weft token create',
    });
  }
}

function serverOf(text: string): string {
  const url = text.includes('://') ? text : `https://${text}`;
  if (URL.canParse(url) && new URL(url).protocol === 'https:') return url;
  throw new UsageError(`--control-plane ${text} is not https://HOST:PORT`, 'weft token create prints the address');
}

/** Where peers reach this machine: loopback when the control plane is here, else its first address that is not. */
export function defaultAddress(server: string): string {
  const { hostname } = new URL(server);
  if (hostname === 'localhost' || hostname.startsWith('127.') || hostname === '[::1]') return '127.0.0.1';
  const outer = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find((each) => !each.internal && each.family === 'IPv4');
  return outer?.address ?? '127.0.0.1';
}
