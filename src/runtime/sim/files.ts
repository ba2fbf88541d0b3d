/** Files in memory, with modes; they survive the process that wrote them, as a disk does. */
import { dirname } from 'node:path';
import { concatBytes, copyOf, EMPTY_BYTES } from '../../core/bytes.ts';
import { WeftError } from '../../core/errors.ts';
import type { Files } from '../../core/runtime.ts';

export interface SimFile {
  readonly bytes: Uint8Array;
  readonly mode: number;
}

export class SimFiles implements Files {
  readonly files = new Map<string, SimFile>();
  /** While set, every write fails with this text: a full disk. */
  writeFailure: string | null = null;

  async read(path: string): Promise<Uint8Array> {
    return copyOf(this.#get(path).bytes);
  }

  async write(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    this.#check(path);
    this.files.set(path, { bytes: copyOf(bytes), mode });
  }

  async append(path: string, bytes: Uint8Array, mode: number): Promise<void> {
    this.#check(path);
    const old = this.files.get(path);
    this.files.set(path, { bytes: concatBytes([old?.bytes ?? EMPTY_BYTES, bytes]), mode: old?.mode ?? mode });
  }

  async remove(path: string): Promise<void> {
    this.#get(path);
    this.files.delete(path);
  }

  async list(directory: string): Promise<readonly string[]> {
    const prefix = directory.endsWith('/') ? directory : `${directory}/`;
    const names = new Set<string>();
    for (const path of this.files.keys()) {
      const [name] = path.startsWith(prefix) ? path.slice(prefix.length).split('/') : [];
      if (name !== undefined) names.add(name);
    }
    if (names.size === 0 && dirname(directory) !== directory) throw missing(directory);
    return [...names].sort();
  }

  #get(path: string): SimFile {
    const file = this.files.get(path);
    if (file === undefined) throw missing(path);
    return file;
  }

  #check(path: string): void {
    if (this.writeFailure !== null)
      throw new WeftError('io', { what: `Cannot write the file: ${this.writeFailure}`, where: path });
  }
}

function missing(path: string): WeftError {
  return new WeftError('file-not-found', { what: 'No such file or directory', where: path });
}
