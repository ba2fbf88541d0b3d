/**
 * What both ends of an HTTP/2 stream share: two windows, the queue of what may not leave yet, and credit for what
 * arrives. One object a message pair; when the stream is over it lets go of the connection, so that a late call does
 * nothing.
 */
import { type Connection, type ConnectionInfo, HIGH_WATER, LOW_WATER } from '../../core/runtime.ts';
import type { Head } from '../head.ts';
import { type MessageReceiver, RESET, type ResetReason, type Stream } from '../message.ts';
import { copyOf } from './copy-head.ts';
import { END_STREAM, FRAME, FRAME_HEAD_BYTES, putFrameHead } from './frame.ts';
import type { Http2Limits } from './limits.ts';
import type { ReceiveWindows } from './receive-windows.ts';
import { SendQueue } from './send-queue.ts';
import type { SendScheduler, Sender } from './send-scheduler.ts';
import { TRAILERS } from './write-head.ts';

/** What a stream asks of its connection. */
export interface StreamLink {
  readonly connection: Connection;
  readonly limits: Http2Limits;
  readonly scheduler: SendScheduler;
  readonly windows: ReceiveWindows;
  /** HEADERS; `contentLength` as in `write-head.ts`. */
  writeHead(id: number, head: Head, contentLength: number, last: boolean): void;
  /** WINDOW_UPDATE of a stream. */
  grant(id: number, increment: number): void;
  /** END_STREAM has left. */
  messageSent(stream: Http2Stream): void;
  /** END_STREAM has come and its receiver knows. */
  messageReceived(stream: Http2Stream): void;
  resetStream(stream: Http2Stream, reason: ResetReason): void;
  discardedTooMuch(stream: Http2Stream): void;
  /** Something waits that must not wait forever. */
  watch(): void;
  /** Nobody reads the rest of a request whose response has gone. */
  linger(): void;
}

export abstract class Http2Stream implements Stream, Sender {
  /** 0 until the first HEADERS; for the codec, as all that follows. */
  id: number;
  sendWindow = 0;
  inRing = false;
  nextInRing: Sender | null = null;
  /** Null when nobody listens. */
  receiver: MessageReceiver | null = null;
  /** The head of the message that comes in has come: content may follow. */
  headReceived = false;
  /** The message that comes in is complete. */
  received = false;
  /** Content that is promised and still to come; -1: nobody promised. */
  expected = -1;
  /** False for a tunnel: nothing but DATA comes on a connected stream (RFC 9113 section 8.5). */
  takesTrailers = true;
  /** What the peer may send on this stream. */
  receiveWindow = 0;
  /** Bytes sent when the watch last looked; -1: nothing was waiting. */
  watchedBytes = -1;
  /** The same for what the peer should send: what came, and what it got credit for. */
  watchedMoves = -1;
  /** The watch has seen that nobody reads the rest of this request. */
  lingers = false;
  protected headSent = false;
  /** Null when the stream is over. */
  protected link: StreamLink | null;
  /** Content that our head promised and that is still to be sent; -1: nobody promised. */
  protected promised = -1;
  /** The message that goes out has been handed over whole. */
  #isSent = false;
  /** END_STREAM has left. */
  #isEnded = false;
  #queue: SendQueue | null = null;
  #trailers: Head | null = null;
  #isOver = false;
  #owed = 0;
  #credit = 0;
  /** Of its receive window, beyond what every stream has. */
  #extra = 0;
  #sentBytes = 0;
  #moves = 0;
  #discarded = 0;

  constructor(link: StreamLink, id: number) {
    this.link = link;
    this.id = id;
  }

  get info(): ConnectionInfo | null {
    return this.link === null ? null : this.link.connection.info;
  }

  get unsent(): number {
    return this.#queue === null ? 0 : this.#queue.bytes;
  }

  /** Handed over whole, though perhaps not yet on its way. */
  get sent(): boolean {
    return this.#isSent;
  }

  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** Bytes that came, and credit that went. */
  get moves(): number {
    return this.#moves;
  }

  /** The peer owes content, and should send it with some speed. */
  get awaitsContent(): boolean {
    return false;
  }

  get closed(): boolean {
    return this.link === null;
  }

  abstract sendHead(head: Head, last: boolean): void;

  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const { link } = this;
    if (link === null || !this.headSent || this.#isSent) return;
    if (this.promised >= 0) {
      this.promised -= end - start;
      if (this.promised < 0 || (last && this.promised > 0)) return this.unsendable();
    }
    if (last) this.#isSent = true;
    let from = start;
    if (this.unsent === 0 && this.mayTransmit()) {
      from = link.scheduler.write(this, bytes, start, end, last);
      this.#sentBytes += from - start;
      if (from === end) {
        if (last) this.#ended(link, start === end);
        return;
      }
    }
    if (from < end) {
      this.#queue ??= new SendQueue();
      this.#queue.add(bytes, from, end);
      link.scheduler.queuedBytes += end - from;
      if (this.#queue.bytes > HIGH_WATER) this.#isOver = true;
    }
    this.#waitForRoom(link);
  }

  sendTrailers(fields: Head): void {
    const { link } = this;
    if (link === null || !this.headSent || this.#isSent) return;
    if (this.promised > 0) return this.unsendable();
    this.#isSent = true;
    if (this.unsent > 0 || !this.mayTransmit()) this.#trailers = copyOf(fields);
    else this.#endWith(link, fields);
  }

  release(bytes: number): void {
    const { link } = this;
    if (link === null) return;
    const released = Math.min(bytes, this.#owed);
    if (released === 0) return;
    this.#owed -= released;
    link.windows.give(released);
    this.#giveCredit(link, released);
  }

  discard(): void {
    const { link } = this;
    if (link === null || this.receiver === null) return;
    this.receiver = null;
    this.#restoreCredit(link);
    if (!this.received) this.onDiscard(link);
  }

  reset(reason: ResetReason): void {
    this.link?.resetStream(this, reason);
  }

  /** Content from the peer. For the codec, as all that follows. */
  deliver(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    const { link, receiver } = this;
    if (link === null) return;
    const length = end - start;
    if (last) this.received = true;
    if (receiver === null) {
      link.windows.give(length);
      if (last) link.messageReceived(this);
      return;
    }
    this.#owed += length;
    this.#moves += length;
    if (last) this.#restoreCredit(link);
    receiver.onData(bytes, start, end, last);
    if (last && !this.closed) link.messageReceived(this);
  }

  /** DATA begins that nobody wants. Judged here and not as it comes, so that reads make no difference. */
  expectUnwanted(bytes: number, last: boolean): void {
    this.#discarded += bytes;
    if (!last && this.#isEnded && this.link !== null && this.#discarded > this.link.limits.maxDiscardBytes) {
      this.link.discardedTooMuch(this);
    }
  }

  /** Padding counts for the windows and is nobody's to release (RFC 9113 section 6.1). */
  creditPadding(bytes: number): void {
    if (bytes > 0 && this.link !== null) this.#giveCredit(this.link, bytes);
  }

  deliverTrailers(fields: Head): void {
    const { link, receiver } = this;
    if (link === null) return fields.free();
    this.received = true;
    this.#restoreCredit(link);
    if (receiver === null) fields.free();
    else receiver.onTrailers(fields);
    if (!this.closed) link.messageReceived(this);
  }

  sendQueued(): boolean {
    const { link } = this;
    const queue = this.#queue;
    if (link === null || queue === null) return false;
    const length = link.scheduler.allowance(this, queue.bytes);
    if (length <= 0) return this.sendWindow > 0 && queue.bytes > 0;
    const { connection } = link;
    const at = connection.reserve(FRAME_HEAD_BYTES + length);
    const isEnd = length === queue.bytes && this.#isSent && this.#trailers === null;
    const to = putFrameHead(connection.out, at, length, FRAME.data, isEnd ? END_STREAM : 0, this.id);
    connection.commit(queue.take(length, connection.out, to));
    link.scheduler.sent(this, length);
    link.scheduler.queuedBytes -= length;
    this.#sentBytes += length;
    if (queue.bytes === 0) this.#queueEmptied(link, isEnd);
    else if (this.#isOver && queue.bytes <= LOW_WATER) this.#tellWritable();
    return this.unsent > 0 && this.sendWindow > 0;
  }

  /** What every stream may send has changed. */
  receiveWindowChanged(change: number): void {
    this.receiveWindow += change;
    // What was too little to tell of may be more than what is left of the window.
    if (this.link !== null) this.#giveCredit(this.link, 0);
  }

  /** The peer gave this stream credit, or may begin to send. */
  windowGrew(): void {
    const { link } = this;
    if (link === null) return;
    if (this.unsent > 0) {
      if (this.sendWindow <= 0) return;
      link.scheduler.wait(this);
      link.scheduler.pump();
    } else if (this.mayTransmit()) this.#queueEmptied(link, false);
  }

  /** The stream is over: every call from now on does nothing. */
  detach(): void {
    const { link } = this;
    if (link === null) return;
    this.link = null;
    link.windows.returnExtra(this.#extra);
    this.#restoreCredit(link);
    link.scheduler.queuedBytes -= this.unsent;
    this.#queue?.clear();
    this.#queue = null;
    this.#trailers?.free();
    this.#trailers = null;
    this.receiver = null;
  }

  /** Whether both messages are complete on the wire. */
  get finished(): boolean {
    return this.#isEnded && this.received;
  }

  /** Whether END_STREAM has left. */
  get ended(): boolean {
    return this.#isEnded;
  }

  /** Whether frames of this stream may leave already. */
  protected mayTransmit(): boolean {
    return true;
  }

  /** The outgoing message cannot be completed. */
  protected unsendable(): void {
    const { receiver } = this;
    this.link?.resetStream(this, RESET.connection);
    receiver?.onReset(RESET.protocol);
  }

  protected abstract onDiscard(link: StreamLink): void;

  /** Our HEADERS ended the message. */
  protected endedWithHead(): void {
    this.#isSent = true;
    this.#isEnded = true;
    this.link?.messageSent(this);
  }

  /** Both directions carry raw bytes from here on. */
  protected openTunnel(): void {
    this.takesTrailers = false;
    this.promised = this.expected = -1;
  }

  #waitForRoom(link: StreamLink): void {
    link.watch();
    if (this.unsent > 0 && this.sendWindow > 0 && this.mayTransmit()) link.scheduler.wait(this);
  }

  #queueEmptied(link: StreamLink, isEnd: boolean): void {
    if (isEnd) return this.#ended(link, false);
    if (this.#trailers !== null) {
      const fields = this.#trailers;
      this.#trailers = null;
      this.#endWith(link, fields);
      fields.free();
    } else if (this.#isSent && !this.#isEnded) this.#ended(link, true);
    else if (this.#isOver) this.#tellWritable();
  }

  /** `isEmpty`: END_STREAM needs a frame of its own. */
  #ended(link: StreamLink, isEmpty: boolean): void {
    if (isEmpty) {
      const at = link.connection.reserve(FRAME_HEAD_BYTES);
      link.connection.commit(putFrameHead(link.connection.out, at, 0, FRAME.data, END_STREAM, this.id));
    }
    this.#isEnded = true;
    link.messageSent(this);
  }

  #endWith(link: StreamLink, fields: Head): void {
    link.writeHead(this.id, fields, TRAILERS, true);
    this.#isEnded = true;
    link.messageSent(this);
  }

  #tellWritable(): void {
    this.#isOver = false;
    this.receiver?.onWritable();
  }

  #giveCredit(link: StreamLink, bytes: number): void {
    this.#credit += bytes;
    const { windows } = link;
    if (this.received || this.#credit * 2 < windows.streamBytes + this.#extra) return;
    const change = windows.changeOfExtra(this.#extra, this.#credit);
    const credit = this.#credit + change;
    this.#extra += change;
    this.#credit = 0;
    if (credit === 0) return;
    this.receiveWindow += credit;
    this.#moves += credit;
    link.grant(this.id, credit);
  }

  #restoreCredit(link: StreamLink): void {
    const owed = this.#owed;
    this.#owed = 0;
    if (owed > 0) link.windows.give(owed);
  }
}
