/** The state directory holds keys, and sockets at which keys are served: nobody else may put anything there. */
import { statSync } from 'node:fs';
import { messageOf, WeftError } from '../../core/errors.ts';
import { makeDirectory } from '../../core/make-directory.ts';

const ANYTHING_BY_OTHERS = 0o077;
const WRITING_BY_OTHERS = 0o022;
const ROOT = 0;

/** Of the control plane. One that exists and is open to others is refused, not mended: its owner decides. */
export function makePrivate(stateDir: string): void {
  try {
    makeDirectory(stateDir, 0o700);
  } catch (error) {
    throw new WeftError('permission-denied', {
      what: `the state directory cannot be made: ${messageOf(error)}`,
      where: stateDir,
      hint: 'Choose a directory that you may write, with --state-dir',
      cause: error,
    });
  }
  const { mode, uid } = statSync(stateDir);
  if ((mode & ANYTHING_BY_OTHERS) === 0 && uid === process.getuid?.()) return;
  throw new WeftError('permission-denied', {
    what: 'the state directory is open to others, or belongs to somebody else',
    where: stateDir,
    hint: `It holds the keys of the mesh: chmod 700 ${stateDir}`,
  });
}

/**
 * Of an agent, which makes directories of its own in it, closed to all others. Who may write beside them could put his
 * own in their place before they are there, with a socket in it that hands out another identity. One that is not there
 * yet is made private.
 */
export function refuseShared(stateDir: string): void {
  const found = statSync(stateDir, { throwIfNoEntry: false });
  if (found === undefined) return;
  const { mode, uid } = found;
  if ((mode & WRITING_BY_OTHERS) === 0 && (uid === process.getuid?.() || uid === ROOT)) return;
  throw new WeftError('permission-denied', {
    what: 'others may write in the state directory',
    where: stateDir,
    hint: `Keys and sockets of the workload lie there: chmod 700 ${stateDir}, or choose another with --state-dir`,
  });
}
