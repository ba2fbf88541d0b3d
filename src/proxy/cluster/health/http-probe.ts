/** A request whose status is the answer. A status that was not expected is decisive, as in Envoy. */
import { CONTENT_LENGTH, FieldName } from '../../../http/field-name.ts';
import { Head } from '../../../http/head.ts';
import type { Stream } from '../../../http/message.ts';
import type { HttpProbeConfig } from '../../../snapshot/health-check-config.ts';
import type { DialTarget } from '../dial.ts';
import type { Probe } from './probe.ts';
import { ProbeLine, type ProbeLineOptions, type ProbeLineOwner } from './probe-line.ts';

export const USER_AGENT = new FieldName('user-agent');
export const PROBE_AGENT = 'weft-health-check';

export class HttpProbe implements Probe, ProbeLineOwner {
  readonly #config: HttpProbeConfig;
  readonly #authority: string;
  readonly #options: ProbeLineOptions;
  readonly #line: ProbeLine;
  readonly #names: readonly FieldName[];
  #stream: Stream | null = null;
  #isAsking = false;

  constructor(config: HttpProbeConfig, authority: string, options: ProbeLineOptions) {
    this.#config = config;
    this.#authority = authority;
    this.#options = options;
    this.#line = new ProbeLine(options, this);
    this.#names = config.headers.map(({ name }) => new FieldName(name));
  }

  run(target: DialTarget): void {
    this.#isAsking = true;
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
    const { method, path, headers } = this.#config;
    const head = Head.request(method, path, this.#authority);
    head.appendText(USER_AGENT, PROBE_AGENT);
    this.#names.forEach((name, i) => head.setText(name, headers[i]?.value ?? ''));
    if (method === 'POST' || method === 'PUT' || method === 'PATCH') head.appendText(CONTENT_LENGTH, '0');
    this.#stream = stream;
    stream.sendHead(head, true);
    head.free();
  }

  onHead(head: Head, last: boolean): void {
    const { status } = head;
    head.free();
    if (status < 200 || !this.#isAsking) return;
    const isExpected = this.#config.expected.some(({ from, to }) => status >= from && status < to);
    this.#stream = null;
    this.#line.done(last);
    this.#answer(isExpected ? '' : `status ${status}`, !isExpected);
  }

  onData(_bytes: Uint8Array, start: number, end: number): void {
    this.#stream?.release(end - start);
  }

  onTrailers(fields: Head): void {
    fields.free();
  }

  onWritable(): void {}

  onReset(): void {
    this.#stream = null;
    this.#answer('the connection ended before the answer', false);
  }

  #answer(fault: string, decisive: boolean): void {
    if (!this.#isAsking) return;
    this.#isAsking = false;
    this.#options.owner.probed(fault, decisive);
  }
}
