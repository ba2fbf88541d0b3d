/** Whoever is left of a connection that was refused: it waits for the end and gives its place back. */
import type { ConnectionHandler } from '../../core/runtime.ts';

export class Refused implements ConnectionHandler {
  readonly #closed: () => void;

  constructor(closed: () => void) {
    this.#closed = closed;
  }

  onOpen(): void {}
  onBytes(): void {}
  onDrained(): void {}
  onEnd(): void {}

  onClose(): void {
    this.#closed();
  }
}

export const NOBODY: ConnectionHandler = new Refused(() => {});
