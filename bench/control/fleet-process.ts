/** A process full of simulated proxies: asked and answering over IPC, and pinned away from what is measured. */
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import type { ReceivedResource } from '../../src/xds/client/received.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { rpcOverHttp2 } from '../../src/xds/rpc/rpc-over-http2.ts';
import type { Answer, Expected, Fleet, Question } from './fleet-messages.ts';
import { memberAt, memberName, NAMESPACE, serviceName } from './mesh-objects.ts';
import { monotonicMs } from './monotonic.ts';
import { SimulatedProxy } from './simulated-proxy.ts';
import { openSvidIssuer } from './svid-issuer.ts';

/** As many handshakes at once as a mesh of separate hosts might have; all of them would be this process's own queue. */
const CONNECTING = 64;

const runtime = createNodeRuntime();
const timers = new TimerWheel(runtime.clock);
const rpc = rpcOverHttp2({ ...runtime, timers });
const proxies: SimulatedProxy[] = [];
const waiting: SimulatedProxy[] = [];
let expected: { readonly what: Expected; readonly stamp: Buffer; readonly missing: Set<string> } | null = null;
/** Change → when the last proxy had it, and how many have. */
const stamps = new Map<string, { lastMs: number; count: number }>();
let stampPrefix: Buffer | null = null;

process.on('message', (question: Question) => void answer(question));
process.on('disconnect', () => process.exit(0));

async function answer(question: Question): Promise<void> {
  switch (question.ask) {
    case 'make':
      return make(question.fleet);
    case 'connect':
      waiting.push(...proxies.slice(question.from, question.to));
      for (let i = 0; i < CONNECTING; i++) waiting.shift()?.open();
      return;
    case 'expect':
      expected = {
        what: question.expected,
        stamp: Buffer.from(question.expected.stamp),
        missing: new Set(question.by),
      };
      if (question.by.length === 0) took();
      return;
    case 'stamps':
      stampPrefix = question.prefix === '' ? null : Buffer.from(question.prefix);
      if (stampPrefix !== null) return;
      say({ say: 'stamps', seen: [...stamps].map(([stamp, { lastMs, count }]) => ({ stamp, lastMs, count })) });
      stamps.clear();
      return;
    case 'bytes':
      say({ say: 'bytes', bytes: proxies.reduce((sum, proxy) => sum + proxy.receivedBytes, 0) });
      return;
    case 'close':
      for (const proxy of proxies) proxy.close();
      process.exit(0);
  }
}

async function make({ stateDir, first, count, services, xds }: Fleet): Promise<void> {
  const issuer = await openSvidIssuer(stateDir);
  for (let index = first; index < first + count; index++) {
    const member = memberAt(index, services);
    const service = serviceName(member.service);
    const name = memberName(member);
    const svid = await issuer.issue(NAMESPACE, service, name);
    const { trustBundlePem } = issuer;
    const parts = { runtime, rpc, timers, name, namespace: NAMESPACE, service, svid, trustBundlePem, xds };
    proxies.push(new SimulatedProxy({ ...parts, onSynced, onResource }));
  }
  say({ say: 'made' });
}

function onSynced(): void {
  waiting.shift()?.open();
  say({ say: 'synced', atMs: monotonicMs() });
}

function onResource(proxy: SimulatedProxy, { type, name, bytes }: ReceivedResource): void {
  if (stampPrefix !== null) noteStamp(bytes, stampPrefix);
  if (expected === null || expected.what.name !== name || expected.what.type !== type) return;
  if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(expected.stamp)) return;
  if (expected.missing.delete(proxy.name) && expected.missing.size === 0) took();
}

function took(): void {
  expected = null;
  // The acknowledgement leaves in this turn.
  setImmediate(() => say({ say: 'taken', atMs: monotonicMs() }));
}

function noteStamp(bytes: Uint8Array, prefix: Buffer): void {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const at = view.indexOf(prefix);
  if (at === -1) return;
  const stamp = /^[\d.]+/.exec(view.toString('latin1', at, at + 15))?.[0] ?? '';
  const seen = stamps.get(stamp) ?? { lastMs: 0, count: 0 };
  stamps.set(stamp, { lastMs: monotonicMs(), count: seen.count + 1 });
}

function say(answer: Answer): void {
  process.send?.(answer);
}
