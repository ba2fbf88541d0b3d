/** Simulated UDP: datagrams that take the time of their link, and are lost where TCP would repeat. */
import { copyOf } from '../../core/bytes.ts';
import { WeftError } from '../../core/errors.ts';
import type { Address, DatagramSocket } from '../../core/runtime.ts';
import type { Process, Medium } from './medium.ts';

export type OnDatagram = (bytes: Uint8Array, from: Address) => void;

interface Bound {
  readonly process: Process;
  readonly onDatagram: OnDatagram;
}

export class SimDatagrams {
  readonly #network: Medium;
  readonly #bound = new Map<string, Bound>();

  constructor(network: Medium) {
    this.#network = network;
  }

  bind(process: Process, address: Address, onDatagram: OnDatagram): DatagramSocket {
    const key = keyOf(process.host, address);
    if (this.#bound.get(key)?.process.alive) {
      throw new WeftError('address-in-use', {
        what: 'The address is in use by another process',
        where: `${address.host}:${address.port}`,
      });
    }
    this.#bound.set(key, { process, onDatagram });
    return {
      address,
      send: (bytes, to) => this.#send(process, address, copyOf(bytes), to),
      close: async () => {
        this.#bound.delete(key);
      },
    };
  }

  #send(process: Process, from: Address, bytes: Uint8Array, to: Address): void {
    const host = to.host.startsWith('127.') || to.host === '::1' ? process.host : to.host;
    const link = this.#network.linkOf(process.host, host);
    if (this.#network.isCut(process.host, host) || this.#network.random.next() < link.lossRate) return;
    const delayMs = link.latencyMs + link.jitterMs * this.#network.random.next();
    this.#network.events.after(delayMs, () => {
      const bound = this.#bound.get(keyOf(host, to));
      if (bound?.process.alive) bound.onDatagram(bytes, from);
    });
  }
}

function keyOf(host: string, address: Address): string {
  return `${host} ${address.host} ${address.port}`;
}
