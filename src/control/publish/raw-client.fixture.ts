/** A client of any method, by hand: it says what it is told to, well-formed or not, and acknowledges nothing by itself. */
import assert from 'node:assert/strict';
import type { PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import {
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
  NodeTable,
} from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { METHOD_BY_PATH } from './methods.ts';
import type { Publisher } from './publisher.ts';
import { peerOf, WEB_ID } from './publisher.fixture.ts';

interface Asked {
  readonly typeUrl?: string;
  readonly names?: readonly string[];
  /** What it holds from an earlier stream, of delta. */
  readonly held?: readonly string[];
  readonly nonce?: string;
  readonly error?: string;
}

interface Dialled {
  readonly id?: string;
  readonly node?: Partial<Node>;
  readonly peer?: PeerCertificate;
}

export interface RawClient {
  /** Of delta the names, of state of the world the contents. */
  readonly received: { readonly nonce: string; readonly typeUrl: string; readonly names: readonly string[] }[];
  writable: boolean;
  /** The transport is full after what comes next. */
  stopsReading: boolean;
  /** What it was sent waits in the transport, which is never full of it. */
  takesNothing: boolean;
  unsent: number;
  paused: boolean;
  ask(asked: Asked): void;
  say(message: Uint8Array): void;
  becomeWritable(): void;
  close(): void;
  /** null while the stream is open. */
  ended(): RpcStatus | null;
}

export function dialRaw(
  publisher: Publisher,
  path: string,
  { id = 'shop/web-1', node, peer }: Dialled = {},
): RawClient {
  let ended: RpcStatus | null = null;
  let isFirst = true;
  const isDelta = METHOD_BY_PATH.get(path)?.variant === 'delta';
  const stream: RpcStream = {
    remote: { host: '127.0.0.1', port: 5000 },
    get writable() {
      return client.writable;
    },
    get unsent() {
      return client.unsent;
    },
    send(message) {
      if (client.takesNothing) client.unsent += message.length;
      const { nonce, typeUrl, resources } = isDelta
        ? decode(DeltaDiscoveryResponseTable, message)
        : decode(DiscoveryResponseTable, message);
      const names = resources.map((one) => ('name' in one ? one.name : new TextDecoder().decode(one.value)));
      client.received.push({ nonce, typeUrl, names });
      if (client.stopsReading) client.writable = false;
    },
    end(status) {
      ended = status ?? { code: 0, message: '' };
    },
    pause() {
      client.paused = true;
    },
    resume() {
      client.paused = false;
    },
    destroy() {},
  };
  const client: RawClient = {
    received: [],
    writable: true,
    stopsReading: false,
    takesNothing: false,
    unsent: 0,
    paused: false,
    ask({ typeUrl = '', names = [], held = [], nonce = '', error }) {
      const said = isFirst ? create(NodeTable, { id, ...node }) : undefined;
      isFirst = false;
      const errorDetail = error === undefined ? undefined : { code: 3, message: error, details: [] };
      const common = { typeUrl, responseNonce: nonce, node: said, errorDetail };
      const versions = new Map(held.map((name) => [name, '1']));
      const subscribed = { resourceNamesSubscribe: names, initialResourceVersions: versions };
      const delta = () => create(DeltaDiscoveryRequestTable, { ...common, ...subscribed });
      const sotw = () => create(DiscoveryRequestTable, { ...common, resourceNames: names });
      client.say(isDelta ? encode(DeltaDiscoveryRequestTable, delta()) : encode(DiscoveryRequestTable, sotw()));
    },
    say: (message) => handler.onMessage(message),
    becomeWritable() {
      client.writable = true;
      handler.onWritable();
    },
    close: () => handler.onClose({ code: 1, message: 'gone' }),
    ended: () => ended,
  };
  const accepted = publisher.accept(stream, path, peer ?? peerOf(id, WEB_ID));
  assert.ok(!('code' in accepted), path);
  const handler: RpcHandler = accepted;
  return client;
}
