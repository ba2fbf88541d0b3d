/** Which Envoy a workload gets: the one that is named, else the first in PATH. */
import { accessSync, constants } from 'node:fs';
import { delimiter, isAbsolute, join } from 'node:path';
import { WeftError } from '../../core/errors.ts';

/** `named`: a path or a command's name; null: `envoy`. Throws `file-not-found` when there is none that can be run. */
export function findEnvoy(named: string | null, path: string): string {
  const wanted = named ?? 'envoy';
  if (wanted.includes('/')) {
    const file = isAbsolute(wanted) ? wanted : join(process.cwd(), wanted);
    if (canRun(file)) return file;
  } else {
    for (const folder of path.split(delimiter)) {
      const file = join(folder, wanted);
      if (folder !== '' && canRun(file)) return file;
    }
  }
  throw new WeftError('file-not-found', {
    what: 'Envoy was not found, or cannot be run',
    where: wanted.includes('/') ? wanted : `${wanted} in PATH`,
    hint: 'Name it with --envoy-path or WEFT_ENVOY, or leave --proxy out to run under Weft’s own proxy',
  });
}

function canRun(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
