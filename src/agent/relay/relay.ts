/**
 * A local xDS server for data planes that are not ours. They speak to it in clear text where nobody else can; it asks
 * the control plane over the agent's own mTLS, so that no key leaves the agent but over SDS, to the program beside it.
 */
import { Limit } from '../../core/limit.ts';
import type { Log } from '../../core/log.ts';
import type {
  Address,
  Clock,
  Listener,
  Random,
  RpcAccept,
  RpcCaller,
  RpcHandler,
  RpcStatus,
  RpcStream,
  RpcTarget,
} from '../../core/runtime.ts';
import { controlPlaneTls } from '../../identity/control-plane-tls.ts';
import { isValid, type SvidSource } from '../../identity/svid.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import type { KeptResources } from './kept-resources.ts';
import { relayStream } from './relayed-stream.ts';
import { DELTA } from '../../xds/server/delta.ts';
import type { Dialect, XdsRequest } from '../../xds/server/session.ts';
import { SOTW } from '../../xds/server/sotw.ts';
import { type Offered, SecretStream } from './secret-stream.ts';
import { secretsView } from './secrets.ts';
import { SteadyStream } from './steady-stream.ts';

const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService/';
const DELTA_ADS = `${ADS}DeltaAggregatedResources`;
const SOTW_ADS = `${ADS}StreamAggregatedResources`;
/** What is passed on. The control plane's own methods for operators are none of a workload's business. */
const RELAYED: ReadonlySet<string> = new Set([
  DELTA_ADS,
  SOTW_ADS,
  '/envoy.service.load_stats.v3.LoadReportingService/StreamLoadStats',
]);
const SDS = '/envoy.service.secret.v3.SecretDiscoveryService/';

/** Each is a connection to the control plane. */
const MAX_RELAYED_STREAMS = 32;
const MAX_SECRET_STREAMS = 64;

const UNAVAILABLE = 14;
const RESOURCE_EXHAUSTED = 8;
const UNIMPLEMENTED = 12;

export interface RelayOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly rpc: RpcCaller;
  /** Binds the place where programs find the relay. */
  readonly serve: (accept: RpcAccept) => Promise<Listener>;
  /** Whether only this user can open that place: the private key is served there then, by SDS. */
  readonly isPrivate: boolean;
  readonly controlPlane: Address;
  readonly svid: SvidSource;
  readonly trustBundlePem: () => string;
  readonly random: Random;
  /** What programs get that start while the control plane is away. */
  readonly kept: KeptResources;
  /** Those programs are proxyless gRPC. */
  readonly isGrpc: boolean;
}

/** Rejects as `serve` does. Closing ends all streams. */
export async function startRelay(options: RelayOptions): Promise<Listener> {
  const { svid, isPrivate, log } = options;
  const relayed = new Limit('relay.max_streams', MAX_RELAYED_STREAMS);
  const secrets = new Limit('relay.max_secret_streams', MAX_SECRET_STREAMS);
  const secretStreams = new Set<Offered>();
  const unsubscribe = svid.subscribe(() => {
    for (const stream of secretStreams) offerIdentity(stream, options);
  });
  const serveSecrets = <R extends XdsRequest>(rpc: RpcStream, dialect: Dialect<R>): RpcHandler | RpcStatus => {
    if (!secrets.take()) return tooMany(secrets, log);
    const stream = new SecretStream(rpc, dialect, {
      wallMs: () => options.clock.wall(),
      onNack: ({ name, reason }) => log.warn('the data plane refuses the identity', { name, reason }),
      onGone(gone) {
        secretStreams.delete(gone);
        secrets.give();
      },
    });
    secretStreams.add(stream);
    offerIdentity(stream, options);
    return stream;
  };
  const listener = await options.serve((stream, path) => {
    if (path === `${SDS}DeltaSecrets` && isPrivate) return serveSecrets(stream, DELTA);
    if (path === `${SDS}StreamSecrets` && isPrivate) return serveSecrets(stream, SOTW);
    if (!RELAYED.has(path)) return { code: UNIMPLEMENTED, message: `${path.slice(0, 200)} is not served here` };
    const target = targetOf(options);
    if (target === null) return { code: UNAVAILABLE, message: 'the workload has no valid identity' };
    if (!relayed.take()) return tooMany(relayed, log);
    const onEnd = (status: RpcStatus): void => {
      relayed.give();
      log.debug('a relayed stream ended', { path, code: status.code, reason: status.message });
    };
    if (path === DELTA_ADS) return steady(stream, path, DELTA, onEnd, options);
    if (path === SOTW_ADS) return steady(stream, path, SOTW, onEnd, options);
    return relayStream(stream, (handler) => options.rpc.open(target, path, handler), onEnd);
  });
  return {
    address: listener.address,
    async close() {
      unsubscribe();
      await listener.close();
      await options.kept.close();
    },
  };
}

function steady<R extends DeltaDiscoveryRequest | DiscoveryRequest>(
  stream: RpcStream,
  path: string,
  dialect: Dialect<R>,
  onEnd: (status: RpcStatus) => void,
  options: RelayOptions,
): RpcHandler {
  const { clock, random, log, kept, isGrpc, rpc } = options;
  const open = (handler: RpcHandler): RpcStream | null => {
    const target = targetOf(options);
    return target === null ? null : rpc.open(target, path, handler);
  };
  const hasIdentity = (): boolean => targetOf(options) !== null;
  const parts = { clock, random, log, kept, dialect, client: { isGrpc }, open, hasIdentity, onEnd };
  const relayed = new SteadyStream(stream, parts);
  relayed.start();
  return relayed;
}

/** An SVID that has expired is not offered; what the data plane holds of it, peers refuse. */
function offerIdentity(stream: Offered, { svid, clock, trustBundlePem }: RelayOptions): void {
  const current = svid.current();
  if (current !== null && isValid(current, clock.wall())) stream.offer(secretsView(current, trustBundlePem()));
}

/** Null without a valid SVID: the control plane would refuse. */
function targetOf({ svid, clock, trustBundlePem, controlPlane }: RelayOptions): RpcTarget | null {
  const current = svid.current();
  if (current === null || !isValid(current, clock.wall())) return null;
  const tls = controlPlaneTls(current, trustBundlePem(), clock);
  return tls === null ? null : { address: controlPlane, tls };
}

function tooMany(limit: Limit, log: Log): RpcStatus {
  log.warn('too many streams at the relay', { limit: limit.name, max: limit.max });
  return { code: RESOURCE_EXHAUSTED, message: `${limit.name}: at most ${limit.max}` };
}
