/**
 * The filters that touch bytes of a body, in the order in which they asked for it; only an exchange that has one pays
 * for it. What leaves the last stage goes on as if it had come so.
 */
import type { BodySink, BodyStage } from '../../http/exchange.ts';

/** Where a body goes after the stages. */
export interface StagedBodies {
  passRequest(bytes: Uint8Array, start: number, end: number, last: boolean): void;
  passResponse(bytes: Uint8Array, start: number, end: number, last: boolean): void;
}

export class BodyStages {
  #request: BodySink | null = null;
  #response: BodySink | null = null;
  readonly #requestEnd: BodySink;
  readonly #responseEnd: BodySink;
  readonly #requestStages: BodyStage[] = [];
  readonly #responseStages: BodyStage[] = [];

  constructor(owner: StagedBodies) {
    this.#requestEnd = { onData: (bytes, start, end, last) => owner.passRequest(bytes, start, end, last) };
    this.#responseEnd = { onData: (bytes, start, end, last) => owner.passResponse(bytes, start, end, last) };
  }

  add(direction: 'request' | 'response', stage: BodyStage): void {
    if (direction === 'request') {
      this.#requestStages.push(stage);
      this.#request = chain(this.#requestStages, this.#requestEnd);
    } else {
      // Filters see responses in reverse, so the last that asked is the first that gets it.
      this.#responseStages.unshift(stage);
      this.#response = chain(this.#responseStages, this.#responseEnd);
    }
  }

  /** False: no stage wants it, pass it on. */
  onRequest(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    this.#request?.onData(bytes, start, end, last);
    return this.#request !== null;
  }

  onResponse(bytes: Uint8Array, start: number, end: number, last: boolean): boolean {
    this.#response?.onData(bytes, start, end, last);
    return this.#response !== null;
  }
}

function chain(stages: readonly BodyStage[], end: BodySink): BodySink {
  return stages.reduceRight<BodySink>(
    (next, stage) => ({ onData: (bytes, start, stop, last) => stage.onData(bytes, start, stop, last, next) }),
    end,
  );
}
