/**
 * One JSON line for each exchange and each TCP connection that ended. Fields that do not change between lines of an
 * edge are bytes made once; numbers and what peers sent are written in place.
 */
import type { Clock } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import { REQUEST_ID, TRACEPARENT } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { Edge } from './edge.ts';
import { jsonKey, putBytes, putEscaped, putInteger, putMillis, putText } from './json-line.ts';
import type { LogBuffer } from './log-buffer.ts';

/** What ended, as its owner holds it; read before the heads are freed. */
export interface EndedRecord {
  /** null: raw TCP. */
  readonly request: Head | null;
  /** 0: no response went out. */
  readonly status: number;
  readonly flag: ResponseFlag;
  readonly detail: string;
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
const MAX_TEXT_BYTES = 512;
/** Escaping makes six bytes of one. */
const MAX_LINE_BYTES = 6 * (MAX_PATH_BYTES + 4 * MAX_TEXT_BYTES + 200) + 3_072;

const TIME = jsonKey('time', true);
const METHOD = jsonKey('method');
const AUTHORITY = jsonKey('authority');
const PATH = jsonKey('path');
const STATUS = jsonKey('status');
const GRPC_STATUS = jsonKey('grpcStatus');
const FLAG = jsonKey('flag');
const DETAIL = jsonKey('detail');
const DURATION = jsonKey('durationMs');
const ROUTE = jsonKey('route');
const UPSTREAM = jsonKey('upstream');
const REQUEST = jsonKey('requestId');
const TRACE = jsonKey('traceId');
const SPAN = jsonKey('spanId');
const BYTES_IN = jsonKey('bytesIn');
const BYTES_OUT = jsonKey('bytesOut');
const RETRIES = jsonKey('retries');
const END = Buffer.from('}\n', 'latin1');

/** `00-` 32 digits `-` 16 digits `-` flags: the proxy wrote it, with its own span. */
const TRACEPARENT_LENGTH = 55;

export class AccessLog {
  readonly #buffer: LogBuffer;
  readonly #clock: Clock;
  readonly #prefixes = new WeakMap<Edge, Uint8Array>();
  #second = -1;
  #secondText = '';

  constructor(buffer: LogBuffer, clock: Clock) {
    this.#buffer = buffer;
    this.#clock = clock;
  }

  write(record: EndedRecord, edge: Edge): void {
    const start = this.#buffer.begin(MAX_LINE_BYTES);
    if (start < 0) return;
    const out = this.#buffer.bytes;
    let p = this.#putTime(out, putBytes(out, start, TIME));
    p = putBytes(out, p, this.#prefixOf(edge));
    const { request } = record;
    if (request !== null) {
      const { bytes } = request;
      p = putEscaped(out, putBytes(out, p, METHOD), bytes, request.methodStart, request.methodEnd, 32);
      p = putEscaped(
        out,
        putBytes(out, p, AUTHORITY),
        bytes,
        request.authorityStart,
        request.authorityEnd,
        MAX_TEXT_BYTES,
      );
      p = putEscaped(out, putBytes(out, p, PATH), bytes, request.pathStart, request.pathEnd, MAX_PATH_BYTES);
      p = putInteger(out, putBytes(out, p, STATUS), record.status);
      if (record.grpcStatus >= 0) p = putInteger(out, putBytes(out, p, GRPC_STATUS), record.grpcStatus);
    }
    p = putText(out, putBytes(out, p, FLAG), record.flag, 8);
    if (record.detail !== '') p = putText(out, putBytes(out, p, DETAIL), record.detail, MAX_TEXT_BYTES);
    p = putMillis(out, putBytes(out, p, DURATION), record.durationMs);
    if (record.routeName !== '') p = putText(out, putBytes(out, p, ROUTE), record.routeName, MAX_TEXT_BYTES);
    p = putText(out, putBytes(out, p, UPSTREAM), record.upstream, MAX_TEXT_BYTES);
    const id = request === null ? -1 : request.find(REQUEST_ID);
    if (request !== null && id >= 0) {
      p = putEscaped(out, putBytes(out, p, REQUEST), request.bytes, request.valueStart(id), request.valueEnd(id), 128);
    }
    if (request !== null) p = putTrace(out, p, request);
    p = putInteger(out, putBytes(out, p, BYTES_IN), record.bytesIn);
    p = putInteger(out, putBytes(out, p, BYTES_OUT), record.bytesOut);
    if (record.retries > 0) p = putInteger(out, putBytes(out, p, RETRIES), record.retries);
    this.#buffer.commit(putBytes(out, p, END));
  }

  close(): Promise<void> {
    return this.#buffer.close();
  }

  #prefixOf(edge: Edge): Uint8Array {
    const known = this.#prefixes.get(edge);
    if (known !== undefined) return known;
    const { direction, source, destination, mtls } = edge;
    const text = JSON.stringify({
      direction,
      source: source.slice(0, 300),
      destination: destination.slice(0, 300),
      mtls,
    });
    const prefix = Buffer.from(`,${text.slice(1, -1)}`, 'utf8');
    this.#prefixes.set(edge, prefix);
    return prefix;
  }

  /** RFC 3339 in UTC; the text of a second is made once. */
  #putTime(out: Uint8Array, at: number): number {
    const wall = Math.floor(this.#clock.wall());
    const second = Math.floor(wall / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#secondText = new Date(second * 1000).toISOString().slice(0, 19);
    }
    let p = at;
    out[p++] = 0x22;
    for (let i = 0; i < this.#secondText.length; i++) out[p++] = this.#secondText.charCodeAt(i);
    const ms = wall - second * 1000;
    out[p++] = 0x2e;
    out[p++] = 0x30 + Math.floor(ms / 100);
    out[p++] = 0x30 + (Math.floor(ms / 10) % 10);
    out[p++] = 0x30 + (ms % 10);
    out[p++] = 0x5a;
    out[p++] = 0x22;
    return p;
  }
}

function putTrace(out: Uint8Array, at: number, request: Head): number {
  const index = request.find(TRACEPARENT);
  if (index < 0) return at;
  const start = request.valueStart(index);
  if (request.valueEnd(index) - start !== TRACEPARENT_LENGTH) return at;
  const p = putEscaped(out, putBytes(out, at, TRACE), request.bytes, start + 3, start + 35, 32);
  return putEscaped(out, putBytes(out, p, SPAN), request.bytes, start + 36, start + 52, 16);
}
