/**
 * Our ends beside readers that we did not write: up to the first frame of which somebody complains, the messages are
 * the same to all; at that frame all complain, but for the differences that are listed with their reason.
 */
import assert from 'node:assert/strict';
import { refusalOf } from '../../../src/http/h1/refusal.ts';
import { FRAME } from '../../../src/http/h2/frame.ts';
import { BLOCK, HpackDecoder } from '../../../src/http/h2/hpack/decoder.ts';
import { Head } from '../../../src/http/head.ts';
import type { Field } from '../hpack/model.ts';
import { wanted } from '../hpack/said.ts';
import { startClient } from './client-view.ts';
import { isAgreed } from './differences.ts';
import { sectionIn } from './plain-reader.ts';
import { APP, startServer } from './server-view.ts';
import { type Reading, strictReaders } from './strict-readers.ts';

const DEFAULT_LIMITS = { maxListBytes: 61_440, maxFields: 100 };
const NOTHING = Buffer.alloc(0);

type Role = 'server' | 'client';

interface Message {
  readonly id: number;
  readonly fields: unknown;
  readonly body: string;
  readonly trailers: readonly string[] | null;
  readonly done: boolean;
}

interface Ours {
  /** After each frame; the first entry is before all. */
  readonly messages: readonly (readonly Message[])[];
  readonly failed: number;
  /** Our end had nothing left to wait for after this frame, and read none that followed; -1: it was there to the end. */
  readonly closedAfter: number;
  readonly complaint: string;
}

export function differential(role: Role, frames: readonly Buffer[]): string {
  const ours = role === 'server' ? serverReads(frames) : clientReads(frames);
  const readings = strictReaders({ role, frames });
  const said: string[] = [];
  for (const [reader, theirs] of Object.entries(readings)) said.push(compare(role, frames, ours, reader, theirs));
  return `${ours.complaint} ${said.join(' ')}`;
}

function compare(role: Role, frames: readonly Buffer[], ours: Ours, reader: string, theirs: Reading): string {
  const end = Math.min(...[ours.failed, theirs.failed, frames.length].filter((at) => at >= 0));
  const before = end === frames.length ? theirs : strictReaders({ role, frames: frames.slice(0, end) })[reader];
  assert.deepEqual(messagesOf(role, before), ours.messages[end], `the same to ${reader} up to frame ${end}`);
  if (ours.failed === theirs.failed) return ours.failed < 0 ? 'taken' : 'refused';
  if (ours.closedAfter >= 0 && theirs.failed > ours.closedAfter) return 'after our end';
  const weRefuse = end === ours.failed;
  const what = `${role} ${frames[end]?.[3]}: ${weRefuse ? ours.complaint : theirs.error}`;
  assert.ok(
    isAgreed(reader, weRefuse, what),
    `at frame ${end} ${weRefuse ? `we refuse what ${reader} takes` : `${reader} refuses what we take`}: ${what}`,
  );
  return what.slice(0, 24);
}

function serverReads(frames: readonly Buffer[]): Ours {
  const server = startServer(APP.never, {});
  return follow(frames, server, () =>
    server.requests.map(({ id, fields, body, trailers, done, isTunnel }) => ({
      id,
      fields: withoutExpect(fields),
      // Who never answers opens no tunnel.
      body: isTunnel ? '' : body,
      trailers: isTunnel ? null : trailers,
      done: done || isTunnel,
    })),
  );
}

function clientReads(frames: readonly Buffer[]): Ours {
  const client = startClient({}, false);
  return follow(frames, client, () =>
    client.responses
      .filter(({ status }) => status > 0)
      .map(({ id, fields, body, trailers, done }) => ({ id, fields: withoutExpect(fields), body, trailers, done })),
  );
}

/** Without content to wait for, it is dropped (RFC 9110 section 10.1.1). */
function withoutExpect(fields: readonly Field[]): Field[] {
  return fields.filter(([name]) => name !== 'expect');
}

interface End {
  readonly complaint: string;
  /** Unset: it waits for more whatever comes. */
  readonly closed?: boolean;
  feed(bytes: Uint8Array): void;
  finish(how: 'cut'): unknown;
}

function follow(frames: readonly Buffer[], end: End, look: () => Message[]): Ours {
  const messages = [look()];
  let failed = -1;
  let closedAfter = -1;
  for (const [index, each] of frames.entries()) {
    end.feed(each);
    messages.push(look());
    if (end.complaint !== '') {
      failed = index;
      break;
    }
    if (end.closed === true && closedAfter < 0) closedAfter = index;
  }
  const complaint = failed >= 0 ? explained(end.complaint, frames[failed] ?? NOTHING) : '';
  end.finish('cut');
  return { messages, failed, closedAfter, complaint };
}

/** RST_STREAM for a field section says nothing of why: the section is asked again. */
function explained(complaint: string, step: Buffer): string {
  if (step[3] !== FRAME.headers || !complaint.startsWith('reset')) return complaint;
  const section = sectionIn(step);
  const reasons = [BLOCK.response, BLOCK.trailers].map((kind) => {
    const head = new Head();
    const code = new HpackDecoder(4096, DEFAULT_LIMITS).decode(section, 0, section.length, head, kind);
    head.free();
    return code === 0 ? 'no reason' : refusalOf(code).detail;
  });
  return `${complaint} (${reasons[0]}; as trailers: ${reasons[1]})`;
}

function messagesOf(role: Role, reading: Reading | undefined): Message[] {
  const kind = role === 'server' ? BLOCK.request : BLOCK.response;
  const streams = (reading?.streams ?? []).toSorted((a, b) => a.id - b.id);
  return streams.map(({ id, fields, body, trailers, done }) => {
    const isTunnel = role === 'server' && fields.some(([name, value]) => name === ':method' && value === 'CONNECT');
    const pairs = trailers?.map((pair) => pair.join('=')) ?? null;
    return {
      id,
      fields: withoutExpect(wanted(fields, kind)),
      body: isTunnel ? '' : body,
      trailers: isTunnel ? null : pairs,
      done: done || isTunnel,
    };
  });
}
