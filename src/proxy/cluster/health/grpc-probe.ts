/** `grpc.health.v1.Health/Check` (gRPC's doc/health-checking.md), over HTTP/2. Only SERVING is well. */
import { bytesOf, copyBytes } from '../../../core/bytes.ts';
import { CONTENT_TYPE, FieldName } from '../../../http/field-name.ts';
import { grpcStatusIn } from '../../../http/grpc/status.ts';
import { Head } from '../../../http/head.ts';
import type { Stream } from '../../../http/message.ts';
import type { GrpcProbeConfig } from '../../../snapshot/health-check-config.ts';
import type { DialTarget } from '../dial.ts';
import { readServingStatus, SERVING, writeCheckRequest } from './grpc-health-message.ts';
import { PROBE_AGENT, USER_AGENT } from './http-probe.ts';
import type { Probe } from './probe.ts';
import { ProbeLine, type ProbeLineOptions, type ProbeLineOwner } from './probe-line.ts';

const TE = new FieldName('te');
const GRPC_TIMEOUT = new FieldName('grpc-timeout');
const PATH = '/grpc.health.v1.Health/Check';
/** A response is a few bytes. */
const MAX_BYTES = 1_024;

export class GrpcProbe implements Probe, ProbeLineOwner {
  readonly #authority: string;
  readonly #options: ProbeLineOptions;
  readonly #line: ProbeLine;
  readonly #request: Uint8Array;
  readonly #response = new Uint8Array(MAX_BYTES);
  #used = 0;
  #stream: Stream | null = null;
  #isAsking = false;

  constructor(config: GrpcProbeConfig, authority: string, options: ProbeLineOptions) {
    this.#authority = authority;
    this.#options = options;
    this.#line = new ProbeLine(options, this);
    this.#request = writeCheckRequest(bytesOf(config.service));
  }

  run(target: DialTarget): void {
    this.#isAsking = true;
    this.#used = 0;
    this.#line.open(target);
  }

  cancel(): void {
    this.#isAsking = false;
    this.#stream = null;
    this.#line.cancel();
  }

  onUnreachable(reason: string): void {
    this.#answer(reason, false);
  }

  onStream(stream: Stream): void {
    const head = Head.request('POST', PATH, this.#authority);
    head.appendText(CONTENT_TYPE, 'application/grpc');
    head.appendText(TE, 'trailers');
    head.appendText(USER_AGENT, PROBE_AGENT);
    head.appendText(GRPC_TIMEOUT, `${Math.ceil(this.#options.connectTimeoutMs)}m`);
    this.#stream = stream;
    stream.sendHead(head, false);
    head.free();
    stream.sendData(this.#request, 0, this.#request.length, true);
  }

  onHead(head: Head, last: boolean): void {
    const { status } = head;
    const grpcStatus = grpcStatusIn(head);
    head.free();
    if (status < 200 || !this.#isAsking) return;
    if (status !== 200) this.#end(last, `status ${status}`);
    else if (last) this.#end(true, `gRPC status ${grpcStatus}`);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#stream?.release(end - start);
    if (!this.#isAsking) return;
    if (this.#used + end - start > MAX_BYTES) return this.#end(last, 'the answer is too long');
    this.#used = copyBytes(bytes, start, end, this.#response, this.#used);
    if (last) this.#end(true, 'the answer has no status');
  }

  onTrailers(fields: Head): void {
    const grpcStatus = grpcStatusIn(fields);
    fields.free();
    if (!this.#isAsking) return;
    const serving = readServingStatus(this.#response.subarray(0, this.#used));
    if (grpcStatus !== 0) this.#end(true, `gRPC status ${grpcStatus}`);
    else this.#end(true, serving === SERVING ? '' : 'not serving');
  }

  onWritable(): void {}

  onReset(): void {
    this.#stream = null;
    this.#answer('the connection ended before the answer', false);
  }

  #end(whole: boolean, fault: string): void {
    this.#stream = null;
    this.#line.done(whole);
    this.#answer(fault, fault !== '');
  }

  #answer(fault: string, decisive: boolean): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#options.owner.probed(fault, decisive);
  }
}
