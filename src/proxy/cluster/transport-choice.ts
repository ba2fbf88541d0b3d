/**
 * Which transport an endpoint is reached by: the first transport match whose labels the endpoint carries, else the
 * cluster's own (Envoy's `transport_socket_matches`). Plaintext and mTLS endpoints can so stand in one cluster.
 */
import type { ClusterConfig, Endpoint, UpstreamTls } from '../../snapshot/snapshot.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { UpstreamTransport } from './upstream-transport.ts';

export interface ChosenTransport {
  /** null: plaintext. */
  readonly transport: UpstreamTransport | null;
  /** Changes when connections made before must not be used again. */
  readonly hash: string;
}

export class TransportChoice {
  readonly #config: ClusterConfig;
  readonly #matches: readonly ChosenTransport[];
  readonly #default: ChosenTransport;

  constructor(config: ClusterConfig, world: ClusterWorld) {
    this.#config = config;
    const refused = (reason: string): void => {
      world.telemetry.counters.counter('upstream_peer_id_refused', { cluster: config.name }).add(1);
      if (world.throttle.allows(`peer ${config.name}`)) {
        world.log.warn('upstream peer refused', { cluster: config.name, service: config.service, reason });
      }
    };
    const choose = (tls: UpstreamTls | null, label: string): ChosenTransport => ({
      transport: tls === null ? null : new UpstreamTransport(tls, world.identity, refused),
      hash: `${config.transportHash}#${label}`,
    });
    this.#matches = config.transportMatches.map((match, index) => choose(match.tls, String(index)));
    this.#default = choose(config.transport, 'default');
  }

  of(endpoint: Endpoint): ChosenTransport {
    for (const [index, match] of this.#config.transportMatches.entries()) {
      const carried = Object.entries(match.labels).every(([name, value]) => endpoint.transportLabels[name] === value);
      if (carried) return this.#matches[index] ?? this.#default;
    }
    return this.#default;
  }
}
