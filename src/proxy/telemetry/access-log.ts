/**
 * One JSON line for each exchange and each TCP connection that ended. What lines have in common is bytes made once
 * (`line-prefixes.ts`) and stands first; numbers and what peers sent are written behind it, in place.
 */
import { copyBytes } from '../../core/bytes.ts';
import type { Clock } from '../../core/runtime.ts';
import { WallTime } from '../../core/wall-time.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { REQUEST_ID, TRACEPARENT } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { Edge } from './edge.ts';
import { jsonBytes, putBytes, putEscaped, putInteger, putMillis, putText } from './json-line.ts';
import { LinePrefixes, MAX_NAME, MAX_TEXT } from './line-prefixes.ts';
import type { LogBuffer } from './log-buffer.ts';

/** What ended, as its owner holds it; read before the heads are freed. */
export interface EndedRecord {
  /** null: raw TCP. */
  readonly request: Head | null;
  /** 0: no response went out. */
  readonly status: number;
  readonly flag: ResponseFlag;
  readonly detail: string;
  /** On the monotonic clock. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly routeName: string;
  /** Key of the endpoint of the last try; empty when none was picked. */
  readonly upstream: string;
  /** From and to the downstream. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Tries after the first. */
  readonly retries: number;
  /** -1: no gRPC call, or it ended without. */
  readonly grpcStatus: number;
}

const MAX_PATH_BYTES = 1_024;
/** Escaping makes six bytes of one. */
const MAX_LINE_BYTES = 6 * (MAX_PATH_BYTES + 4 * MAX_TEXT + 2 * MAX_NAME + 200) + 1_024;

const TIME = jsonBytes('{"time":"');
const STATUS = jsonBytes(',"status":');
/** Of nearly every line. */
const NO_FLAG_THEN_DURATION = jsonBytes(',"flag":"","durationMs":');
const FLAG = jsonBytes(',"flag":');
const DETAIL = jsonBytes(',"detail":');
const DURATION = jsonBytes(',"durationMs":');
const BYTES_IN = jsonBytes(',"bytesIn":');
const BYTES_OUT = jsonBytes(',"bytesOut":');
const RETRIES = jsonBytes(',"retries":');
const GRPC_STATUS = jsonBytes(',"grpcStatus":');
const METHOD = jsonBytes(',"method":');
const AUTHORITY = jsonBytes(',"authority":');
const PATH = jsonBytes(',"path":');
const REQUEST = jsonBytes(',"requestId":');
const TRACE = jsonBytes(',"traceId":"');
const SPAN = jsonBytes('","spanId":"');
const END = jsonBytes('}\n');

/** `00-` 32 digits `-` 16 digits `-` flags: the proxy wrote it, with its own span. */
const TRACEPARENT_LENGTH = 55;
/** `2026-01-31T12:00:00` */
const SECOND_LENGTH = 19;
const QUOTE = 0x22;

export class AccessLog {
  readonly #buffer: LogBuffer;
  readonly #wallTime: WallTime;
  readonly #prefixes = new LinePrefixes();
  #second = -1;
  readonly #secondText = Buffer.alloc(SECOND_LENGTH);

  constructor(buffer: LogBuffer, clock: Clock) {
    this.#buffer = buffer;
    this.#wallTime = new WallTime(clock);
  }

  write(record: EndedRecord, edge: Edge): void {
    const start = this.#buffer.begin(MAX_LINE_BYTES);
    if (start < 0) return;
    const out = this.#buffer.bytes;
    let p = this.#putTime(out, putBytes(out, start, TIME), record.startedAt + record.durationMs);
    p = putBytes(out, p, this.#prefixes.of(edge, record.routeName, record.upstream));
    const { request, flag } = record;
    if (request !== null) p = putInteger(out, putBytes(out, p, STATUS), record.status);
    if (flag === '') p = putBytes(out, p, NO_FLAG_THEN_DURATION);
    else p = putBytes(out, putText(out, putBytes(out, p, FLAG), flag, 8), DURATION);
    p = putMillis(out, p, record.durationMs);
    p = putInteger(out, putBytes(out, p, BYTES_IN), record.bytesIn);
    p = putInteger(out, putBytes(out, p, BYTES_OUT), record.bytesOut);
    if (record.detail !== '') p = putText(out, putBytes(out, p, DETAIL), record.detail, MAX_TEXT);
    if (record.retries > 0) p = putInteger(out, putBytes(out, p, RETRIES), record.retries);
    if (record.grpcStatus >= 0) p = putInteger(out, putBytes(out, p, GRPC_STATUS), record.grpcStatus);
    if (request !== null) p = putRequest(out, p, request);
    this.#buffer.commit(putBytes(out, p, END));
  }

  close(): Promise<void> {
    return this.#buffer.close();
  }

  /** RFC 3339 in UTC; the text of a second is made once. */
  #putTime(out: Uint8Array, at: number, endedAt: number): number {
    const wall = Math.floor(this.#wallTime.at(endedAt));
    const second = Math.floor(wall / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText.write(new Date(second * 1000).toISOString(), 0, SECOND_LENGTH, 'latin1');
    }
    let p = putBytes(out, at, this.#secondText);
    const ms = wall - second * 1000;
    out[p++] = 0x2e;
    out[p++] = 0x30 + Math.floor(ms / 100);
    out[p++] = 0x30 + (Math.floor(ms / 10) % 10);
    out[p++] = 0x30 + (ms % 10);
    out[p++] = 0x5a;
    out[p++] = QUOTE;
    return p;
  }
}

function putRequest(out: Uint8Array, at: number, request: Head): number {
  const { bytes, methodStart, methodEnd, authorityStart, authorityEnd } = request;
  let p = putEscaped(out, putBytes(out, at, METHOD), bytes, methodStart, methodEnd, 32);
  p = putEscaped(out, putBytes(out, p, AUTHORITY), bytes, authorityStart, authorityEnd, MAX_TEXT);
  p = putEscaped(out, putBytes(out, p, PATH), bytes, request.pathStart, request.pathEnd, MAX_PATH_BYTES);
  const id = request.find(REQUEST_ID);
  if (id >= 0) {
    p = putEscaped(out, putBytes(out, p, REQUEST), bytes, request.valueStart(id), request.valueEnd(id), 128);
  }
  return putTrace(out, p, request);
}

/** Its digits need no escaping: it was written here, or found to be digits. */
function putTrace(out: Uint8Array, at: number, request: Head): number {
  const index = request.find(TRACEPARENT);
  if (index < 0) return at;
  const start = request.valueStart(index);
  if (request.valueEnd(index) - start !== TRACEPARENT_LENGTH) return at;
  let p = copyBytes(request.bytes, start + 3, start + 35, out, putBytes(out, at, TRACE));
  p = copyBytes(request.bytes, start + 36, start + 52, out, putBytes(out, p, SPAN));
  out[p++] = QUOTE;
  return p;
}
