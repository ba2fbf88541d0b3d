/** Readers that we did not write, asked what they make of a connection; the caller waits, as everything that fuzzes does. */
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import { findPython } from '../../support/components.ts';
import { ASKED } from './client-view.ts';

export interface Asked {
  /** Whose bytes they are not: the end that reads. */
  readonly role: 'server' | 'client';
  /** After the client's preface. */
  readonly frames: readonly Uint8Array[];
}

export interface ReadMessage {
  readonly id: number;
  readonly fields: [string, string][];
  body: string;
  trailers: [string, string][] | null;
  done: boolean;
}

export interface Reading {
  readonly streams: readonly ReadMessage[];
  /** The frame at which it complained; -1: none. */
  readonly failed: number;
  readonly error: string;
}

const WAIT_MS = 60_000;

let started: ((asked: Asked) => Readonly<Record<string, Reading>>) | null = null;

/** By the reader's name; Python's h2 only where this machine has it. */
export function strictReaders(asked: Asked): Readonly<Record<string, Reading>> {
  started ??= start();
  return started(asked);
}

function start(): (asked: Asked) => Readonly<Record<string, Reading>> {
  const signal = new SharedArrayBuffer(4);
  const flag = new Int32Array(signal);
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(new URL('./strict-readers.worker.ts', import.meta.url), {
    workerData: { python: findPython('h2'), asked: ASKED, signal, port: port2 },
    transferList: [port2],
  });
  worker.unref();
  port1.unref();
  return (asked) => {
    Atomics.store(flag, 0, 0);
    port1.postMessage(asked);
    if (Atomics.wait(flag, 0, 0, WAIT_MS) === 'timed-out') throw new Error('the strict readers hang');
    const answer = receiveMessageOnPort(port1)?.message as Readonly<Record<string, Reading>> | undefined;
    if (answer === undefined) throw new Error('the strict readers said nothing');
    return answer;
  };
}
