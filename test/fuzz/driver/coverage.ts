/** Which pieces of the code under test have run, from V8's precise coverage of this process. */
import { type Profiler, Session } from 'node:inspector';

/** A piece that ran for the first time. */
export interface FreshBlock {
  readonly owner: string;
  /** Into the source of the function. */
  readonly offset: number;
}

export class Coverage {
  readonly #session = new Session();
  readonly #covers: RegExp;
  /** By function: 1 for each character of its source that ran. */
  readonly #seen = new Map<string, Uint8Array>();
  #blocks = 0;

  constructor(covers: RegExp) {
    this.#covers = covers;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  get blocks(): number {
    return this.#blocks;
  }

  /** What ran for the first time since the last call. Takes a millisecond: ask after many inputs. */
  take(): FreshBlock[] {
    const fresh: FreshBlock[] = [];
    for (const [owner, ran] of this.#ran()) {
      const seen = this.#seen.get(owner);
      if (seen === undefined) this.#seen.set(owner, ran);
      for (let i = 0, isNew = false; i < ran.length; i++) {
        const wasNew = isNew;
        isNew = ran[i] === 1 && (seen === undefined || seen[i] === 0);
        if (isNew && !wasNew) fresh.push({ owner, offset: i });
        if (isNew && seen !== undefined) seen[i] = 1;
      }
    }
    this.#blocks += fresh.length;
    return fresh;
  }

  /** Whether any of these ran since the last call. */
  ranAnyOf(blocks: readonly FreshBlock[]): boolean {
    const ran = this.#ran();
    return blocks.some(({ owner, offset }) => ran.get(owner)?.[offset] === 1);
  }

  close(): void {
    this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  #ran(): Map<string, Uint8Array> {
    const ran = new Map<string, Uint8Array>();
    // Answered before `post` returns: the session is in this thread.
    this.#session.post('Profiler.takePreciseCoverage', (error, taken) => {
      if (error !== null) throw new Error(`no coverage: ${error.message}`);
      for (const script of taken.result) if (this.#covers.test(script.url)) paint(script, ran);
    });
    return ran;
  }
}

/** Ranges come from the outer to the inner: the last that holds a character counts for it. */
function paint({ url, functions }: Profiler.ScriptCoverage, ran: Map<string, Uint8Array>): void {
  for (const { ranges } of functions) {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) continue;
    const base = whole.startOffset;
    const painted = new Uint8Array(whole.endOffset - base);
    for (const { startOffset, endOffset, count } of ranges) {
      painted.fill(count > 0 ? 1 : 0, startOffset - base, endOffset - base);
    }
    ran.set(`${url}:${base}:${whole.endOffset}`, painted);
  }
}
