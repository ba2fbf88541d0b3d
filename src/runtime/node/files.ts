/** Small files of state on a real disk; every write is atomic and every directory private. */
import { randomBytes } from 'node:crypto';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf, WeftError } from '../../core/errors.ts';
import { makeDirectory } from '../../core/make-directory.ts';
import type { Files } from '../../core/runtime.ts';
import { appendTo } from './append.ts';

const DIRECTORY_MODE = 0o700;

export const nodeFiles: Files = {
  async read(path) {
    return await translated(path, 'read', () => readFile(path));
  },

  async write(path, bytes, mode) {
    const directory = dirname(path);
    const temporary = join(directory, `.${basename(path)}.${process.pid}.${randomBytes(6).toString('hex')}`);
    await translated(path, 'write', async () => {
      makeDirectory(directory, DIRECTORY_MODE);
      try {
        const file = await open(temporary, 'wx', mode);
        try {
          // open() is subject to the umask, and the mode must be right before the name is.
          await file.chmod(mode);
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncDirectory(directory);
    });
  },

  async append(path, bytes, mode) {
    await translated(path, 'append to', () => appendTo(path, bytes, mode));
  },

  async remove(path) {
    await translated(path, 'remove', () => rm(path));
  },

  async list(directory) {
    const names = await translated(directory, 'list', () => readdir(directory));
    return names.sort();
  },
};

/** The rename itself must survive a power cut. Some file systems refuse to sync a directory; then nothing is lost by it. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r').catch(() => null);
  if (handle === null) return;
  try {
    await handle.sync();
  } catch {
    // As above.
  } finally {
    await handle.close();
  }
}

async function translated<T>(path: string, verb: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw fileError(error, path, verb);
  }
}

function fileError(error: unknown, path: string, verb: string): WeftError {
  const code = (error as { code?: unknown } | null)?.code;
  if (code === 'ENOENT')
    return new WeftError('file-not-found', { what: 'No such file or directory', where: path, cause: error });
  if (code === 'EACCES' || code === 'EPERM') {
    const hint = 'Check the owner and the mode of the file and its directories';
    return new WeftError('permission-denied', { what: `Cannot ${verb} the file`, where: path, hint, cause: error });
  }
  return new WeftError('io', { what: `Cannot ${verb} the file: ${messageOf(error)}`, where: path, cause: error });
}
