/**
 * The sending half of a connection, shared by every runtime: writers fill one pooled chunk, which leaves once at the end
 * of the turn, and `onDrained` is decided here and nowhere else.
 */
import { copyBytes, EMPTY_BYTES } from './bytes.ts';
import { CHUNK_BYTES, type ChunkPool, SMALL_CHUNK_BYTES } from './chunk-pool.ts';
import { type ConnectionHandler, HIGH_WATER, LOW_WATER } from './runtime.ts';

/** Copying less than this costs less than a system call of its own. */
const MIN_BORROWED_BYTES = 32_768;

/** Collects what is to happen at the end of the turn; the runtime decides when that is. */
export class Turn {
  readonly #later: (run: () => void) => void;
  readonly #run = (): void => this.#end();
  /** Those that wrote in this turn are the first `#waiting`; the rest is left from turns before, for its room. */
  #outputs: (Output | null)[] = [];
  #spareOutputs: (Output | null)[] = [];
  #waiting = 0;
  #tasks: (() => void)[] = [];
  readonly #report: (error: unknown) => void;
  #scheduled = false;

  /** `report` receives what a task threw, so that the tasks and flushes behind it still run. */
  constructor(later: (run: () => void) => void, report: (error: unknown) => void) {
    this.#later = later;
    this.#report = report;
  }

  /** Runs before the flushes, so that what it writes leaves in the same turn. */
  after(run: () => void): void {
    this.#tasks.push(run);
    this.#schedule();
  }

  flushLater(output: Output): void {
    if (this.#waiting < this.#outputs.length) this.#outputs[this.#waiting] = output;
    else this.#outputs.push(output);
    this.#waiting++;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#later(this.#run);
  }

  #end(): void {
    // What tasks and onDrained add from here on belongs to the next turn, or a fast peer could keep this one alive.
    this.#scheduled = false;
    if (this.#tasks.length > 0) {
      const tasks = this.#tasks;
      this.#tasks = [];
      for (let i = 0; i < tasks.length; i++) this.#try(tasks[i] as () => void);
    }
    const outputs = this.#outputs;
    const count = this.#waiting;
    this.#outputs = this.#spareOutputs;
    this.#waiting = 0;
    for (let i = 0; i < count; i++) {
      outputs[i]?.endTurn();
      outputs[i] = null;
    }
    this.#spareOutputs = outputs;
  }

  #try(task: () => void): void {
    try {
      task();
    } catch (error) {
      this.#report(error);
    }
  }
}

export abstract class Output {
  abstract handler: ConnectionHandler;
  /** The writer's between `reserve` and `commit`. */
  out: Uint8Array = EMPTY_BYTES;
  closed = false;
  /** True after `end`: what is written from then on is dropped. */
  protected ended = false;
  readonly #turn: Turn;
  readonly #chunks: ChunkPool;
  #outEnd = 0;
  #dirty = false;
  #over = false;

  constructor(turn: Turn, chunks: ChunkPool) {
    this.#turn = turn;
    this.#chunks = chunks;
  }

  /** Bytes handed to `transmit` that are not with the kernel yet. */
  protected abstract get unsent(): number;

  /** Sends `chunk[0, end)`. True: the chunk is still needed, and the runtime gives it back itself. */
  protected abstract transmit(chunk: Uint8Array, end: number): boolean;

  /** Sends borrowed bytes at once, behind all that was written, without a copy. False: nothing was sent, so copy them. */
  protected transmitBorrowed(_bytes: Uint8Array, _start: number, _end: number): boolean {
    return false;
  }

  /** A handler's bug costs its connection, not the process. */
  protected abstract handlerThrew(error: unknown): void;

  get backlog(): number {
    return this.#outEnd + this.unsent;
  }

  get unflushed(): number {
    return this.#outEnd;
  }

  /** True while a writer waits for `onDrained`. */
  protected get over(): boolean {
    return this.#over;
  }

  reserve(bytes: number): number {
    if (bytes > CHUNK_BYTES) throw new RangeError(`reserve: ${bytes} bytes, at most ${CHUNK_BYTES}`);
    if (this.#outEnd + bytes > this.out.length) this.#makeRoom(bytes, true);
    return this.#outEnd;
  }

  commit(end: number): void {
    if (this.closed || this.ended) return;
    this.#outEnd = end;
    this.#touched();
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed || this.ended) return;
    if (end - start >= MIN_BORROWED_BYTES && this.transmitBorrowed(bytes, start, end)) {
      if (!this.#over && this.backlog > HIGH_WATER) this.#over = true;
      return;
    }
    let from = start;
    while (from < end) {
      const room = this.out.length - this.#outEnd;
      if (end - from > room && (room === 0 || this.out.length < CHUNK_BYTES)) this.#makeRoom(end - from, false);
      const to = Math.min(end, from + this.out.length - this.#outEnd);
      this.#outEnd = copyBytes(bytes, from, to, this.out, this.#outEnd);
      from = to;
    }
    this.#touched();
  }

  /** Sends now what was written so far. */
  flush(): void {
    const end = this.#outEnd;
    if (end === 0) return;
    const chunk = this.out;
    this.out = EMPTY_BYTES;
    this.#outEnd = 0;
    if (!this.transmit(chunk, end)) this.#chunks.give(chunk);
  }

  endTurn(): void {
    this.#dirty = false;
    if (this.closed) {
      this.dropOutput();
      return;
    }
    this.flush();
    this.settle();
  }

  /** The one place that calls `onDrained`; a runtime calls it whenever bytes have left. */
  protected settle(): void {
    if (!this.#over || this.closed || this.backlog > LOW_WATER) return;
    this.#over = false;
    try {
      this.handler.onDrained();
    } catch (error) {
      this.handlerThrew(error);
    }
  }

  /** Forgets what was not sent: on close. */
  protected dropOutput(): void {
    if (this.out !== EMPTY_BYTES) this.#chunks.give(this.out);
    this.out = EMPTY_BYTES;
    this.#outEnd = 0;
  }

  protected giveChunk(chunk: Uint8Array): void {
    this.#chunks.give(chunk);
  }

  /** For `bytes`, or as many of them as a chunk holds. What was written stays in one piece with what follows, if it can. */
  #makeRoom(bytes: number, inOnePiece: boolean): void {
    const isTooMuch = inOnePiece && this.#outEnd + bytes > CHUNK_BYTES;
    if (this.out.length === CHUNK_BYTES || isTooMuch) this.flush();
    const before = this.out;
    const used = this.#outEnd;
    if (used + bytes <= SMALL_CHUNK_BYTES) {
      this.out = this.#chunks.takeSmall();
      return;
    }
    this.out = this.#chunks.take();
    if (used > 0) this.out.set(before.subarray(0, used));
    this.#chunks.give(before);
  }

  #touched(): void {
    if (!this.#over && this.backlog > HIGH_WATER) this.#over = true;
    if (this.#dirty) return;
    this.#dirty = true;
    this.#turn.flushLater(this);
  }
}
