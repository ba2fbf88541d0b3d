/** The one timer of a server connection: what its time means is the phase's. */
import { Timer } from '../../core/timer-wheel.ts';

export interface TimedServer {
  onTimeout(): void;
}

export class ServerTimer extends Timer {
  readonly #server: TimedServer;

  constructor(server: TimedServer) {
    super();
    this.#server = server;
  }

  override fire(): void {
    this.#server.onTimeout();
  }
}
