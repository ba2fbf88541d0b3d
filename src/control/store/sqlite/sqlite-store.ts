/** The store of a control plane on one machine. */
import { createLogStore } from '../log-store.ts';
import type { Store } from '../store.ts';
import { openSqlitePersistence } from './sqlite-persistence.ts';

/**
 * Opens or makes the file (mode 0600, in a directory of mode 0700) and holds it alone until `close`. Throws WeftError
 * `locked` (another process), `invalid` (damaged or foreign), `unsupported` (newer schema), `io`.
 */
export function openSqliteStore(path: string): Store {
  return createLogStore(openSqlitePersistence(path));
}
