/** Which services a workload reaches at a virtual address, and at which: decided once, when it starts. */
import type { NamedVip } from '../capture/service-variables.ts';
import { countVipPorts, planLoopbackPorts, planVips, VIP_PORTS, type VipPlan } from '../capture/vip.ts';
import type { Log } from '../core/log.ts';
import type { Net, Random } from '../core/runtime.ts';
import type { KnownService } from './control-plane.ts';
import { reservePorts } from './port-blocks.ts';
import { reserveNetwork } from './vip-network.ts';

export interface OutboundOptions {
  readonly net: Net;
  readonly random: Random;
  readonly log: Log;
  readonly namespace: string;
  /** `catalog` or `ns/stock`; null: all that are known. */
  readonly uses: readonly string[] | null;
  /** What it had before a restart. */
  readonly kept: KeptOutbound | null;
}

export interface KeptOutbound {
  readonly network: { readonly x: number; readonly y: number } | null;
  readonly vipBlocks: readonly number[];
  readonly vips: readonly NamedVip[];
}

export interface Outbound extends KeptOutbound {
  release(): Promise<void>;
}

/** `known` is null when the control plane cannot be asked: then the kept addresses stand, as in the kept configuration. */
export async function prepareOutbound(
  known: readonly KnownService[] | null,
  options: OutboundOptions,
): Promise<Outbound> {
  const { net, random, kept, log } = options;
  const reserved = await reserveNetwork(net, random, kept?.network ?? null);
  const wanted = known === null ? [] : choose(known, options);
  if (reserved === null) {
    const ports = await reservePorts(
      net,
      random,
      VIP_PORTS,
      countVipPorts(wanted.map(withPorts)),
      kept?.vipBlocks ?? [],
    );
    const plan = planLoopbackPorts(wanted.map(withPorts), ports.ports);
    const vips = known === null ? (kept?.vips ?? []) : named(plan, wanted, log);
    return { network: null, vipBlocks: ports.blocks, vips, release: () => ports.release() };
  }
  const { network } = reserved;
  const sameNetwork = kept?.network?.x === network.x && kept.network.y === network.y;
  const vips =
    known === null ? (sameNetwork ? kept.vips : []) : named(planVips(network, wanted.map(withPorts)), wanted, log);
  return { network, vipBlocks: [], vips, release: () => reserved.release() };
}

function choose(known: readonly KnownService[], options: OutboundOptions): readonly KnownService[] {
  const { uses, namespace, log } = options;
  if (uses === null) return known;
  return uses.flatMap((use) => {
    const [ns, name] = use.includes('/') ? use.split('/') : [namespace, use];
    const service = known.find((each) => each.namespace === ns && each.name === name);
    if (service === undefined) log.warn('a service that is used is not known yet: it has no address', { service: use });
    return service === undefined ? [] : [service];
  });
}

function withPorts(service: KnownService): { namespace: string; service: string; ports: readonly number[] } {
  return { namespace: service.namespace, service: service.name, ports: service.ports.map((port) => port.port) };
}

function named(plan: VipPlan, known: readonly KnownService[], log: Log): readonly NamedVip[] {
  if (plan.left.length > 0) {
    log.warn('too many services for virtual addresses; declare those that are used with --uses', {
      left: plan.left.length,
      first: plan.left.slice(0, 5),
    });
  }
  return plan.vips.map((vip) => {
    const service = known.find((each) => each.namespace === vip.namespace && each.name === vip.service);
    return { ...vip, portName: service?.ports.find((port) => port.port === vip.port)?.name ?? '' };
  });
}
