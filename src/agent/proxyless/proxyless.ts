/**
 * What stands beside a program that speaks xDS itself, in place of a sidecar: a relay to the control plane, its identity
 * as files, and the bootstrap file that tells it of both. No traffic passes here.
 */
import { join } from 'node:path';
import type { Log } from '../../core/log.ts';
import type { Address, Clock, Files, Listener, Random, RpcAccept, RpcCaller } from '../../core/runtime.ts';
import { isUnixPath, unixAddress } from '../../core/unix-path.ts';
import { pause } from '../pause.ts';
import { keptPath, KeptResources } from '../relay/kept-resources.ts';
import { startRelay } from '../relay/relay.ts';
import type { Sidecar, SidecarOptions } from '../sidecar.ts';
import { grpcBootstrap } from './bootstrap.ts';
import { keepCertificateFiles } from './certificate-files.ts';

const LOOPBACK: Address = { host: '127.0.0.1', port: 0 };
const BOOTSTRAP_MODE = 0o600;
/** Callers have been told; what they had sent nobody sees here. */
const SETTLE_MS = 500;

export interface ProxylessOptions extends SidecarOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly rpc: RpcCaller;
  readonly files: Files;
  /** Serves RPC in clear text. */
  readonly serve: (at: Address, accept: RpcAccept) => Promise<Listener>;
  /**
   * A socket that only this user opens; null: on loopback, for libraries that cannot (grpc-java). Every program on this
   * machine can ask there what this workload may know, and learns no key.
   */
  readonly socketPath: string | null;
  /** Private to the workload. */
  readonly directory: string;
}

export function grpcBootstrapPath(directory: string): string {
  return join(directory, 'grpc.json');
}

/** Rejects when the place is taken or nothing can be written. */
export async function startProxyless(options: ProxylessOptions): Promise<Sidecar> {
  const { clock, log, rpc, files, directory, svid, trustBundlePem } = options;
  await using held = new AsyncDisposableStack();
  const certificates = await keepCertificateFiles({ files, log, directory, svid, trustBundlePem });
  held.defer(() => certificates.remove());
  const at = options.socketPath === null ? LOOPBACK : unixAddress(options.socketPath);
  const kept = new KeptResources({ files, clock, log, path: keptPath(options.statePath, 'grpc') });
  await kept.load();
  const relay = await startRelay({
    clock,
    random: options.random,
    log,
    rpc,
    kept,
    isGrpc: true,
    serve: (accept) => options.serve(at, accept),
    isPrivate: isUnixPath(at.host),
    controlPlane: options.xds,
    svid,
    trustBundlePem,
  });
  held.defer(() => relay.close());
  const { host, port } = relay.address;
  const serverUri = isUnixPath(host) ? `unix:${host}` : `${host}:${port}`;
  const path = grpcBootstrapPath(directory);
  const bootstrap = grpcBootstrap({ ...options, serverUri, certificates: certificates.paths });
  await files.write(path, Buffer.from(`${JSON.stringify(bootstrap, null, 2)}\n`, 'utf8'), BOOTSTRAP_MODE);
  held.defer(() => files.remove(path));
  log.info('the application speaks xDS itself', { bootstrap: path, xds: serverUri });
  const running = held.move();
  return {
    ready: Promise.resolve(),
    environment: environmentOf(path),
    settle: (graceMs) => pause(clock, Math.min(graceMs, SETTLE_MS)),
    drain: async () => {},
    close: () => running.disposeAsync(),
  };
}

/** Besides where the bootstrap is: what libraries have, and leave off until they are told. */
function environmentOf(bootstrapPath: string): Readonly<Record<string, string>> {
  return {
    GRPC_XDS_BOOTSTRAP: bootstrapPath,
    // grpc-js refuses a listener with authorization otherwise, and with it to serve.
    GRPC_XDS_EXPERIMENTAL_RBAC: 'true',
    // grpc-go takes round robin otherwise.
    GRPC_EXPERIMENTAL_ENABLE_LEAST_REQUEST: 'true',
  };
}
