/** A server and a client codec back to back, as the router joins them: grants upgrades, passes everything on, judges nothing. */
import type { Head } from '../../head.ts';
import type { MessageReceiver, ResetReason, Stream } from '../../message.ts';
import type { ServerStream } from '../server-stream.ts';
import { dial, type Dialled } from './dial.ts';
import { Recorder, serve, type Served } from './recorder.ts';

export interface Relay {
  readonly down: Served;
  /** The connection to the upstream; the next exchange takes it again. */
  readonly up: Dialled;
  /** What came back, one an exchange. */
  readonly answers: readonly Recorder[];
}

export function relay(edit: (head: Head) => void = () => {}): Relay {
  const up = dial();
  const answers: Recorder[] = [];
  const down = serve((stream, head, request) => {
    edit(head);
    if (!up.client.idle) return stream.reset(2);
    const answer = new Recorder();
    answers.push(answer);
    const to = up.client.open(new Tee(answer, stream));
    request.onReset = (reason) => to.reset(reason);
    request.onData = (bytes, start, end, last) => to.sendData(bytes, start, end, last);
    request.onTrailers = (fields) => to.sendTrailers(fields);
    to.sendHead(head, request.done);
  });
  return { down, up, answers };
}

/** To the recorder and to the client of the proxy. */
class Tee implements MessageReceiver {
  readonly #record: Recorder;
  readonly #to: Stream & Pick<ServerStream, 'responded'>;

  constructor(record: Recorder, to: ServerStream) {
    this.#record = record;
    this.#to = to;
  }

  onHead(head: Head, last: boolean): void {
    this.#to.sendHead(head, last);
    this.#record.onHead(head, last);
  }

  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    this.#record.onData(bytes, start, end, last);
    this.#to.sendData(bytes, start, end, last);
  }

  onTrailers(fields: Head): void {
    this.#to.sendTrailers(fields);
    this.#record.onTrailers(fields);
  }

  onWritable(): void {}

  onReset(reason: ResetReason): void {
    this.#record.onReset(reason);
    // As the router does it: an answer of the proxy's own while there is none, else the end without the end.
    this.#to.reset(reason);
  }
}
