/** Which mesh a command speaks to: the state directory, by flag, variable, running `weft dev`, or the user's own. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { GlobalOptions } from '../context.ts';
import { findDevPointer } from './dev-pointer.ts';

export const DEFAULT_NAMESPACE = 'default';

export interface MeshPlace {
  readonly stateDir: string;
  /** Of commands that name none. */
  readonly namespace: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** `--state-dir`, then WEFT_STATE_DIR, then the nearest running `weft dev`, then `$XDG_STATE_HOME/weft`. */
export function meshPlace(
  globals: GlobalOptions,
  environment: Environment = process.env,
  from: string = process.cwd(),
): MeshPlace {
  const named = globals.stateDir ?? nonEmpty(environment['WEFT_STATE_DIR']);
  if (named !== undefined) {
    return { stateDir: resolve(from, named), namespace: globals.namespace ?? DEFAULT_NAMESPACE };
  }
  const dev = findDevPointer(from);
  if (dev !== null) return { stateDir: dev.stateDir, namespace: globals.namespace ?? dev.namespace };
  const stateHome = nonEmpty(environment['XDG_STATE_HOME']) ?? join(homedir(), '.local', 'state');
  return { stateDir: join(stateHome, 'weft'), namespace: globals.namespace ?? DEFAULT_NAMESPACE };
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}
