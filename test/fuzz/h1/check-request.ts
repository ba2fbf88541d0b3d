/** The promises of the request side, held against one input. */
import assert from 'node:assert/strict';
import { pooledStorages } from '../../../src/http/head-storage.ts';
import type { Rng } from '../driver/rng.ts';
import { cutAtRandom, singleBytes } from './cut.ts';
import { KNOWN_METHODS, llhttpReads } from './llhttp.ts';
import { type Message, serverSees, type ServerView } from './view.ts';

const MAX_SINGLE_BYTES = 256;

/** Throws when one is broken; returns what happened in a few words. */
export function checkRequest(input: Buffer, random: Rng): string {
  const before = pooledStorages();
  const whole = serverSees([input]);
  const seen = withoutUpstream(whole);
  assert.deepEqual(withoutUpstream(serverSees(cutAtRandom(input, random))), seen, 'random reads give the same');
  if (input.length <= MAX_SINGLE_BYTES) {
    assert.deepEqual(withoutUpstream(serverSees(singleBytes(input))), seen, 'single bytes give the same');
  }
  assert.ok(pooledStorages() >= before, 'every head gave its storage back');
  const delivered = whole.messages.reduce((sum, m) => sum + m.body.length, 0);
  assert.ok(delivered <= input.length, 'no more content than bytes');
  assert.ok(whole.closed, 'the connection ends');
  agreesWithLlhttp(whole.messages, input);
  for (const [index, message] of whole.messages.entries()) passesOn(message, whole.upstream[index] ?? Buffer.alloc(0));
  const ends = whole.messages.map(
    (m) => `${KNOWN_METHODS.has(m.method) ? m.method : 'x'}${m.start}${m.done ? '!' : '?'}`,
  );
  return `${ends.slice(0, 3).join()} ${whole.refused.join()}`;
}

function withoutUpstream(view: ServerView): unknown {
  return { ...view, upstream: [] };
}

/** Each request that we took as whole is one to llhttp, with the same line, fields and content. It may take more. */
function agreesWithLlhttp(messages: readonly Message[], input: Buffer): void {
  const { messages: theirs, refusal } = llhttpReads('request', input, false, true);
  for (const [index, ours] of messages.entries()) {
    // Methods that llhttp does not know are any token to us (RFC 9110 section 9.1).
    if (!ours.done || !KNOWN_METHODS.has(ours.method)) return;
    const their = theirs[index];
    // llhttp reads Proxy-Connection as Connection; a proxy drops it unread (RFC 9112 appendix C.2.2).
    if (their === undefined && refusal === 'HPE_CLOSED_CONNECTION' && index > 0) {
      const before = messages[index - 1]?.fields ?? [];
      if (before.some((text, i) => i % 2 === 0 && text.toLowerCase() === 'proxy-connection')) return;
    }
    assert.ok(their?.complete, `llhttp does not see request ${index} as whole: ${refusal}`);
    assert.equal(their.method, ours.method);
    assert.equal(their.body, ours.body);
    assert.deepEqual(ours.fields.slice(0, their.fields.length), their.fields);
    assert.deepEqual(pairs(their.trailers), ours.trailers ?? []);
    if (their.upgrade) return;
  }
}

/** What went upstream for a request is one request, to ourselves and to llhttp, and the same as the one that came. */
function passesOn(message: Message, written: Buffer): void {
  if (!message.done) {
    const again = serverSees([written]);
    assert.ok(again.messages.length <= 1 && again.messages[0]?.done !== true, 'half a request is never whole upstream');
    return;
  }
  const again = serverSees([written]);
  // Only HTTP/1.0 may name no host; the empty Host that we write for it is refused by our next hop.
  if (message.authority === '') return;
  assert.deepEqual(again.refused, [], 'we read what we write');
  assert.equal(again.messages.length, 1, 'one request goes on as one');
  const [next] = again.messages;
  assert.ok(next?.done);
  for (const key of ['method', 'target', 'authority', 'body', 'trailers'] as const) {
    assert.deepEqual(next[key], message[key], `${key} goes on unchanged`);
  }
  assert.equal(next.fields.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host').length, 1, 'one Host');
  if (KNOWN_METHODS.has(message.method)) agreesWithLlhttp(again.messages, written);
}

function pairs(list: readonly string[]): string[] {
  const out: string[] = [];
  for (let i = 0; i < list.length; i += 2) out.push(`${list[i]}=${list[i + 1]}`);
  return out;
}
