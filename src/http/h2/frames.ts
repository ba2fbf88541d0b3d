/**
 * The frames of streams (RFC 9113 section 6), judged, counted against what a peer may do, and carried out. Which end
 * opens streams and what a head means is the business of `server.ts` and `client.ts`.
 */
import type { Connection, ConnectionHandler } from '../../core/runtime.ts';
import { Head } from '../head.ts';
import type { ResetReason } from '../message.ts';
import { ALARM } from './alarm.ts';
import { Http2Control } from './control.ts';
import { ERROR } from './error-code.ts';
import { END_HEADERS, END_STREAM, FRAME, MAX_WINDOW, PADDED, PRIORITY, readUint31, readUint32 } from './frame.ts';
import { FrameReader, type FrameSink } from './frame-reader.ts';
import { HeaderBlock } from './header-block.ts';
import { BLOCK, type Block, COMPRESSION_ERROR } from './hpack/decoder.ts';
import type { Http2Stream } from './http2-stream.ts';
import { LIMIT } from './limits.ts';
import type { LinkOptions } from './link.ts';

/** What a stream earns its peer in control frames: priorities, window updates, a probe. */
const CONTROL_PER_STREAM = 8;
const PRIORITY_BYTES = 5;
/**
 * Credit that leaves a window smaller than this makes us send crumbs (CVE-2019-9511): it costs more than it is worth. Small
 * credit on top of a wide window does not: C-core gives every byte back as soon as it has read it.
 */
const TINY_WINDOW = 128;
const TINY_COST = 8;
const LATE_DATA_COST = 0.1;

export abstract class Http2Frames<S extends Http2Stream>
  extends Http2Control<S>
  implements ConnectionHandler, FrameSink
{
  protected readonly reader = new FrameReader(this);
  /** The HEADERS at hand made their stream depend on itself. */
  protected dependsOnItself = false;
  readonly #block: HeaderBlock;
  /** The DATA at hand: its stream (null: dropped), and whether it ends the message. */
  #dataStream: S | null = null;
  #dataEnds = false;
  #isHeadWatched = false;
  #droppedBytes = 0;

  constructor(connection: Connection, options: LinkOptions, isServer: boolean) {
    super(connection, options, isServer);
    this.#block = new HeaderBlock(options.limits.maxBlockBytes, options.limits.maxContinuations);
  }

  /** A whole field section. `isOpen` is false for a stream that is over or was never opened. */
  protected abstract onBlock(id: number, endStream: boolean, bytes: Uint8Array, start: number, end: number): void;
  /** A stream that nobody has opened yet. */
  protected abstract isIdle(id: number): boolean;
  /** The peer resets a stream that is not over. False: too often, and the connection is over. */
  protected abstract mayReset(stream: S): boolean;
  protected abstract onGoaway(lastId: number, code: number): void;
  protected abstract reasonForReset(code: number): ResetReason;

  abstract onEnd(): void;

  onOpen(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.over) return this.#drop(end - start);
    this.isRead();
    this.reader.read(bytes, start, end);
    if (this.over) return;
    const isWithin = this.#block.id !== 0 || this.reader.isWithin;
    if (isWithin === this.#isHeadWatched) return;
    this.#isHeadWatched = isWithin;
    if (isWithin) this.watchHead();
    else this.alarms.disarm(ALARM.head);
  }

  onDrained(): void {
    this.scheduler.pump();
  }

  onFrame(type: number, flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    this.frames++;
    if (!this.#isInOrder(type, id)) return;
    switch (type) {
      case FRAME.headers:
        return this.#onHeaders(flags, id, bytes, start, end);
      case FRAME.continuation:
        return this.#onContinuation(flags, bytes, start, end);
      case FRAME.rstStream:
        return this.#onReset(id, bytes, start, end);
      case FRAME.windowUpdate:
        return this.#onWindowUpdate(id, bytes, start, end);
      case FRAME.settings:
        return this.onSettings(flags, id, bytes, start, end);
      case FRAME.ping:
        return this.onPing(flags, id, bytes, start, end);
      case FRAME.priority:
        return this.#onPriority(id, bytes, start, end);
      case FRAME.goaway:
        if (id !== 0) return this.fail(ERROR.protocol, 'GOAWAY on a stream');
        if (end - start < 8) return this.fail(ERROR.frameSize, 'GOAWAY of less than 8 bytes');
        if (this.pay(1, LIMIT.otherFrames)) this.onGoaway(readUint31(bytes, start), readUint32(bytes, start + 4));
        return;
      case FRAME.pushPromise:
        // As a client we have switched it off; as a server we never get one (section 8.4).
        return this.fail(ERROR.protocol, 'PUSH_PROMISE');
      default:
        // RFC 9113 section 5.5: frames of an extension that we do not know are ignored.
        this.pay(1, LIMIT.otherFrames);
    }
  }

  onDataHead(flags: number, id: number, length: number, padding: number): void {
    this.frames++;
    this.#dataStream = null;
    this.#dataEnds = (flags & END_STREAM) !== 0;
    if (!this.#isInOrder(FRAME.data, id)) return;
    if (id === 0) return this.fail(ERROR.protocol, 'DATA without a stream');
    if (!this.windows.take(length)) return this.fail(ERROR.flowControl, 'more DATA than the connection may send');
    if (this.windows.wantsResize) this.resizeWindows();
    const content = length - padding;
    if (padding > 0) this.windows.give(padding);
    if (content > 0) this.control.earn(1);
    else if (!this.#dataEnds && !this.pay(1, LIMIT.emptyData)) return;
    const stream = this.streams.get(id);
    if (stream === null) this.#onLateData(id, content);
    else if (stream.received) this.streamError(id, stream, ERROR.streamClosed);
    else if (!stream.headReceived) this.streamError(id, stream, ERROR.protocol);
    else if (length > Math.max(0, stream.receiveWindow)) this.streamError(id, stream, ERROR.flowControl);
    else this.#expect(stream, content, length);
  }

  onDataBytes(bytes: Uint8Array, start: number, end: number, isWhole: boolean): void {
    const stream = this.#dataStream;
    if (stream === null || stream.closed) {
      if (end > start) this.windows.give(end - start);
      return;
    }
    const last = isWhole && this.#dataEnds;
    if (end > start || last) stream.deliver(bytes, start, end, last);
  }

  onFrameTooLong(): void {
    this.fail(ERROR.frameSize, 'a frame of more than 16384 bytes');
  }

  onBadPadding(): void {
    this.fail(ERROR.protocol, 'more padding than payload');
  }

  /** Decodes a section for `head`, which is freed when the result is not 0: a refusal (negative), or over. */
  protected decode(bytes: Uint8Array, start: number, end: number, head: Head, block: Block): number {
    const code = this.decoder.decode(bytes, start, end, head, block);
    if (code !== 0) head.free();
    if (code === COMPRESSION_ERROR) this.fail(ERROR.compression, 'a field section that cannot be decoded');
    return code;
  }

  /** A section of a stream that is over: decoded, since the table depends on it, and ignored. */
  protected onLateBlock(id: number, bytes: Uint8Array, start: number, end: number): void {
    const wasReset = this.recent.has(id);
    const head = new Head();
    if (this.decode(bytes, start, end, head, BLOCK.trailers) === 0) head.free();
    if (this.over) return;
    // It has earned as if it opened a stream.
    if (wasReset) this.pay(CONTROL_PER_STREAM + 1, LIMIT.lateFrames);
    else this.fail(ERROR.streamClosed, 'HEADERS on a closed stream');
  }

  /** The section after content. */
  protected onTrailers(stream: S, endStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    const fields = new Head();
    const code = this.decode(bytes, start, end, fields, BLOCK.trailers);
    if (this.over) return;
    const isWhole = code === 0 && endStream && stream.takesTrailers && stream.expected <= 0 && !this.dependsOnItself;
    const isSmall = fields.used <= this.limits.maxTrailerBytes;
    if (!stream.received && isWhole && isSmall) return stream.deliverTrailers(fields);
    if (isWhole && !isSmall) this.onLimit(LIMIT.headBytes);
    fields.free();
    this.streamError(stream.id, stream, stream.received ? ERROR.streamClosed : ERROR.protocol);
  }

  #isInOrder(type: number, id: number): boolean {
    const { id: expected } = this.#block;
    if (expected !== 0 && (type !== FRAME.continuation || id !== expected)) {
      this.fail(ERROR.protocol, 'a frame within a field section');
      return false;
    }
    if (!this.peer.known && type !== FRAME.settings) {
      this.fail(ERROR.protocol, 'the first frame is not SETTINGS');
      return false;
    }
    return true;
  }

  #onHeaders(flags: number, id: number, bytes: Uint8Array, from: number, to: number): void {
    if (id === 0) return this.fail(ERROR.protocol, 'HEADERS without a stream');
    let start = from;
    let end = to;
    this.dependsOnItself = false;
    if ((flags & PADDED) !== 0) end -= start < end ? (bytes[start++] as number) : 1;
    if ((flags & PRIORITY) !== 0) {
      if (end - start < PRIORITY_BYTES) return this.fail(ERROR.frameSize, 'HEADERS too short for its priority');
      this.dependsOnItself = readUint31(bytes, start) === id;
      start += PRIORITY_BYTES;
    }
    if (end < start) return this.fail(ERROR.protocol, 'more padding than payload');
    const endStream = (flags & END_STREAM) !== 0;
    if ((flags & END_HEADERS) !== 0) return this.#blockRead(id, endStream, bytes, start, end);
    const limit = this.#block.begin(id, endStream, bytes, start, end);
    if (limit !== null) this.fail(ERROR.enhanceYourCalm, limit, limit);
  }

  #onContinuation(flags: number, bytes: Uint8Array, start: number, end: number): void {
    const block = this.#block;
    if (block.id === 0) return this.fail(ERROR.protocol, 'CONTINUATION without HEADERS');
    const limit = block.continue(bytes, start, end);
    if (limit !== null) return this.fail(ERROR.enhanceYourCalm, limit, limit);
    if ((flags & END_HEADERS) === 0) return;
    const { id, endStream, bytes: whole, end: length } = block;
    block.reset();
    this.#blockRead(id, endStream, whole, 0, length);
  }

  #blockRead(id: number, endStream: boolean, bytes: Uint8Array, start: number, end: number): void {
    this.control.earn(CONTROL_PER_STREAM);
    this.onBlock(id, endStream, bytes, start, end);
  }

  #onReset(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) return this.fail(ERROR.protocol, 'RST_STREAM without a stream');
    if (end - start !== 4) return this.fail(ERROR.frameSize, 'RST_STREAM is not 4 bytes');
    const stream = this.streams.get(id);
    if (stream !== null) {
      if (this.mayReset(stream)) this.drop(stream, this.reasonForReset(readUint32(bytes, start)));
    } else if (this.isIdle(id)) this.fail(ERROR.protocol, 'RST_STREAM on an idle stream');
    else this.pay(1, LIMIT.lateFrames);
  }

  #onWindowUpdate(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4) return this.fail(ERROR.frameSize, 'WINDOW_UPDATE is not 4 bytes');
    const increment = readUint31(bytes, start);
    const stream = id === 0 ? null : this.streams.get(id);
    if (id !== 0 && stream === null) {
      if (this.isIdle(id)) this.fail(ERROR.protocol, 'WINDOW_UPDATE on an idle stream');
      else this.pay(1, LIMIT.lateFrames);
      return;
    }
    if (increment === 0) {
      if (stream === null) this.fail(ERROR.protocol, 'WINDOW_UPDATE of 0');
      else this.streamError(id, stream, ERROR.protocol);
      return;
    }
    const window = (stream === null ? this.scheduler.window : stream.sendWindow) + increment;
    if (!this.payForCredit(window < TINY_WINDOW ? TINY_COST : 1)) return;
    if (stream === null) {
      if (this.scheduler.grant(increment, MAX_WINDOW)) this.scheduler.pump();
      else this.fail(ERROR.flowControl, 'a window beyond its bound');
      return;
    }
    stream.sendWindow += increment;
    if (stream.sendWindow > MAX_WINDOW) this.streamError(id, stream, ERROR.flowControl);
    else stream.windowGrew();
  }

  /** Priorities are ignored (RFC 9113 section 5.3.2), but nobody may depend on himself. */
  #onPriority(id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id === 0) return this.fail(ERROR.protocol, 'PRIORITY without a stream');
    const isWrongSize = end - start !== PRIORITY_BYTES;
    if (isWrongSize || readUint31(bytes, start) === id) {
      const code = isWrongSize ? ERROR.frameSize : ERROR.protocol;
      const stream = this.streams.get(id);
      // RST_STREAM on an idle stream would be an error of ours.
      if (stream === null) this.fail(code, 'malformed PRIORITY');
      else this.streamError(id, stream, code);
      return;
    }
    this.pay(1, LIMIT.priorities);
  }

  #onLateData(id: number, content: number): void {
    if (this.isIdle(id)) return this.fail(ERROR.protocol, 'DATA on an idle stream');
    // A whole window may be under way, in small frames.
    if (this.recent.has(id)) this.pay(content > 0 ? LATE_DATA_COST : 1, LIMIT.lateFrames);
    else this.streamError(id, null, ERROR.streamClosed);
  }

  /** Holds the message to its Content-Length (RFC 9113 section 8.1.1) before a receiver hears of what breaks it. */
  #expect(stream: S, content: number, length: number): void {
    stream.receiveWindow -= length;
    if (stream.expected >= 0) {
      stream.expected -= content;
      if (stream.expected < 0 || (this.#dataEnds && stream.expected > 0)) {
        return this.streamError(stream.id, stream, ERROR.protocol);
      }
    }
    stream.creditPadding(length - content);
    if (stream.receiver === null) stream.expectUnwanted(content, this.#dataEnds);
    this.#dataStream = stream;
  }

  #drop(bytes: number): void {
    this.#droppedBytes += bytes;
    if (this.#droppedBytes > this.limits.maxDiscardBytes) this.connection.destroy('too much after the end');
  }
}
