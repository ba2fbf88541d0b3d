/** Where the relay of a workload is found: a path that follows from its name, in a directory that only its user can enter. */
import { hash } from 'node:crypto';
import { join } from 'node:path';
import { WeftError } from '../../core/errors.ts';
import { MAX_UNIX_PATH_BYTES } from '../../core/unix-path.ts';

export interface RelayPlace {
  /** For what programs beside the agent read as well. Made with mode 0700 when the first file is written. */
  readonly directory: string;
  readonly socketPath: string;
}

export function relayDirectory(stateDir: string, namespace: string, workload: string): string {
  // Names may be longer than the path of a socket.
  return join(stateDir, 'run', hash('sha256', `${namespace}/${workload}`, 'hex').slice(0, 16));
}

/** Throws `invalid` when no socket could have the path. */
export function relayPlace(stateDir: string, namespace: string, workload: string): RelayPlace {
  const directory = relayDirectory(stateDir, namespace, workload);
  const socketPath = join(directory, 'xds.sock');
  if (Buffer.byteLength(socketPath) > MAX_UNIX_PATH_BYTES) {
    throw new WeftError('invalid', {
      what: `the path of the agent’s socket is longer than the ${MAX_UNIX_PATH_BYTES} bytes that a socket may have`,
      where: socketPath,
      hint: 'Choose a shorter --state-dir',
    });
  }
  return { directory, socketPath };
}
