/**
 * Virtual addresses of services, for protocols that know no proxy. Each workload has a loopback network of its own, so
 * that two on one host never see each other's outbound; where only 127.0.0.1 exists, each port gets one of its own.
 */
import { WeftError } from '../core/errors.ts';

/** Below the ephemeral ports of Linux (32768), above what applications listen on. */
export const VIP_PORTS = { first: 20_000, last: 29_999 } as const;
/** Virtual ports of one workload. A process that calls more services is a gateway, and should say which it `uses`. */
export const MAX_VIPS = 200;
/** A lock on the network: whoever listens here owns 127.x.y.0/24. */
export const NETWORK_LOCK = { host: 254, port: VIP_PORTS.first } as const;

export interface VipService {
  readonly namespace: string;
  readonly service: string;
  readonly ports: readonly number[];
}

/** As it stands in a Workload's `spec.capture.vips`. */
export interface Vip {
  readonly service: string;
  readonly namespace: string;
  /** The service's own port. */
  readonly port: number;
  /** IP literal. */
  readonly address: string;
  readonly vipPort: number;
}

/** 127.x.y.0/24 */
export interface VipNetwork {
  readonly x: number;
  readonly y: number;
}

export interface VipPlan {
  readonly vips: readonly Vip[];
  /** Services beyond the bound, as `namespace/service`: reported, and to be had by declaring them. */
  readonly left: readonly string[];
}

export function networkAddress(network: VipNetwork, host: number): string {
  return `127.${network.x}.${network.y}.${host}`;
}

/** One address a service, ports in a row from 20001 (the first is the lock's). The same input gives the same plan. */
export function planVips(network: VipNetwork, services: readonly VipService[]): VipPlan {
  const { chosen, left } = bound(services);
  let nextPort = VIP_PORTS.first + 1;
  const vips = chosen.flatMap(({ namespace, service, ports }, index) =>
    ports.map((port) => {
      const vipPort = takePort(nextPort);
      nextPort += 1;
      return { service, namespace, port, address: networkAddress(network, index + 1), vipPort };
    }),
  );
  return { vips, left };
}

/** Where 127/8 is one address (macOS): 127.0.0.1 with the free ports that the caller has found, one a service port. */
export function planLoopbackPorts(services: readonly VipService[], freePorts: readonly number[]): VipPlan {
  const { chosen, left } = bound(services);
  const free = [...freePorts];
  const vips = chosen.flatMap(({ namespace, service, ports }) =>
    ports.map((port) => ({ service, namespace, port, address: '127.0.0.1', vipPort: takePort(free.shift()) })),
  );
  return { vips, left };
}

/** How many ports `planLoopbackPorts` will take. */
export function countVipPorts(services: readonly VipService[]): number {
  return bound(services).chosen.reduce((sum, { ports }) => sum + ports.length, 0);
}

/** A service has all of its ports or none. */
function bound(services: readonly VipService[]): { chosen: readonly VipService[]; left: readonly string[] } {
  const sorted = services.toSorted((a, b) => compare(a.namespace, b.namespace) || compare(a.service, b.service));
  const chosen: VipService[] = [];
  const left: string[] = [];
  let ports = 0;
  for (const service of sorted) {
    const fits = ports + service.ports.length <= MAX_VIPS;
    if (fits) {
      chosen.push(service);
      ports += service.ports.length;
    } else left.push(`${service.namespace}/${service.service}`);
  }
  return { chosen, left };
}

function takePort(port: number | undefined): number {
  if (port !== undefined && port <= VIP_PORTS.last) return port;
  throw new WeftError('limit-exceeded', {
    what: 'the services have more ports than there are for virtual addresses',
    where: `ports ${VIP_PORTS.first}–${VIP_PORTS.last}`,
    hint: 'Declare the services that the workload uses',
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
