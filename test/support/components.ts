/**
 * Real programs that some suites need. A suite whose program is missing is skipped by name and reason; with
 * `WEFT_REQUIRE=all` (CI) its absence is a failure instead.
 */
import { execFileSync } from 'node:child_process';
import { accessSync, constants, globSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The path of the first of `names` that this machine has, in PATH or where Debian hides servers; null when none. */
export function findProgram(...names: string[]): string | null {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/sbin',
    '/usr/local/go/bin',
    ...globSync('/usr/lib/postgresql/*/bin'),
  ];
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      try {
        accessSync(path, constants.X_OK);
        return path;
      } catch {
        continue;
      }
    }
  }
  return null;
}

/** For node:test's `skip`: false when every program is here, else the reason. */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => findProgram(program) === null);
  if (absent.length === 0) return false;
  const reason = `needs ${absent.join(', ')}, which this machine does not have`;
  if (process.env['WEFT_REQUIRE'] === 'all') throw new Error(`${reason}, and WEFT_REQUIRE=all demands every suite`);
  return reason;
}

/** A program that must be there, because the suite was not skipped. */
export function program(...names: string[]): string {
  const path = findProgram(...names);
  if (path === null) throw new Error(`none of ${names.join(', ')} is installed`);
  return path;
}

export function versionOf(path: string, ...args: string[]): string {
  return execFileSync(path, args, { encoding: 'utf8' }).trim();
}

/** Path of a Node of these major versions that the machine has besides ours; null when it has none. */
export function findNode(atLeast: number, below: number): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/bin', '/usr/bin', '/opt/node/bin'];
  for (const folder of folders) {
    try {
      const path = join(folder, 'node');
      const major = Number(/^v(\d+)\./.exec(versionOf(path, '--version'))?.[1]);
      if (major >= atLeast && major < below) return path;
    } catch {
      continue;
    }
  }
  return null;
}

/** As `missing`, for a Node of these major versions. */
export function missingNode(atLeast: number, below: number): string | false {
  if (findNode(atLeast, below) !== null) return false;
  const reason = `needs Node from ${atLeast} to below ${below}, which this machine does not have`;
  if (process.env['WEFT_REQUIRE'] === 'all') throw new Error(`${reason}, and WEFT_REQUIRE=all demands every suite`);
  return reason;
}

/** A Python that can import `module`; null when none can. */
export function findPython(module: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, 'python3');
    try {
      execFileSync(path, ['-c', `import ${module}`], { stdio: 'ignore', timeout: 20_000 });
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

/** As `missing`, for a Python with `module`. */
export function missingPython(module: string): string | false {
  if (findPython(module) !== null) return false;
  const reason = `needs a python3 with ${module}, which this machine does not have`;
  if (process.env['WEFT_REQUIRE'] === 'all') throw new Error(`${reason}, and WEFT_REQUIRE=all demands every suite`);
  return reason;
}
