/** The promises of the response side, held against one input. */
import assert from 'node:assert/strict';
import { pooledStorages } from '../../../src/http/head-storage.ts';
import type { Rng } from '../driver/rng.ts';
import { cutAtRandom, singleBytes } from './cut.ts';
import { llhttpReads } from './llhttp.ts';
import { type ClientView, clientSees, type Message } from './view.ts';

const MAX_SINGLE_BYTES = 256;

export function checkResponse(input: Buffer, method: string, random: Rng): string {
  const before = pooledStorages();
  const whole = clientSees([input], method);
  assert.deepEqual(comparable(clientSees(cutAtRandom(input, random), method)), comparable(whole), 'random reads');
  if (input.length <= MAX_SINGLE_BYTES) {
    assert.deepEqual(comparable(clientSees(singleBytes(input), method)), comparable(whole), 'single bytes');
  }
  assert.ok(pooledStorages() >= before, 'every head gave its storage back');
  const { message } = whole;
  assert.ok(message.body.length <= input.length);
  assert.ok(!whole.kept || (message.done && message.reset === null), 'kept only after a whole response');
  if (message.done && message.reset === null) {
    agreesWithLlhttp(message, input, method);
    if (whole.downstream !== null) passesOn(message, whole.downstream, method);
  }
  return `${message.status} ${message.start} ${message.done} ${message.reset} ${message.interim.length} ${whole.kept}`;
}

/**
 * Bytes behind a whole response end the connection, whether they come with it or later; only then it was offered before
 * they came. So `kept` counts for reads that end with the response alone.
 */
function comparable({ message, kept }: ClientView): unknown {
  return [message, kept];
}

function agreesWithLlhttp(ours: Message, input: Buffer, method: string): void {
  // What follows 101 and CONNECT is no HTTP.
  if (ours.status === 101 || method === 'CONNECT') return;
  const { messages, refusal } = llhttpReads('response', input, method === 'HEAD', true);
  const their = messages[ours.interim.length];
  // llhttp takes `close` in an interim response for the end; for us the final one follows, and is the last.
  if (their === undefined && ours.interim.length > 0 && refusal === 'HPE_CLOSED_CONNECTION') return;
  assert.ok(their?.complete, `llhttp does not see the response as whole: ${refusal}`);
  assert.equal(their.status, ours.status);
  assert.equal(their.body, ours.body);
  assert.deepEqual(ours.fields, their.fields);
}

/** What is passed on is one response, to ourselves and to llhttp, and the same as the one that came. */
function passesOn(message: Message, written: Buffer, method: string): void {
  const again = clientSees([written], method);
  assert.ok(again.message.done && again.message.reset === null, 'we read what we write');
  assert.ok(again.kept, 'and its end, without the end of the connection');
  assert.equal(again.message.status, message.status);
  assert.equal(again.message.body, message.body);
  agreesWithLlhttp(again.message, written, method);
}
