/**
 * Files that grow, such as access logs: each stays open between appends that follow one another, because making sure of
 * directories, opening and closing cost three times what writing does. Only for a second, so that a file that was moved
 * away by a log rotation is left alone soon.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { makeDirectory } from '../../core/make-directory.ts';

const KEEP_OPEN_MS = 1_000;

/** A socket, which is what a journal or a parent process may give, cannot be opened by these names. */
const STANDARD: ReadonlyMap<string, () => NodeJS.WriteStream> = new Map<string, () => NodeJS.WriteStream>([
  ['/dev/stdout', () => process.stdout],
  ['/dev/stderr', () => process.stderr],
]);

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  /** Appends to one file go one after another: their order is the caller's. */
  last: Promise<void>;
}

const openFiles = new Map<string, OpenFile>();

/** Rejects with the error of the system. The directory is made with 0700, the file with `mode`. */
export async function appendTo(path: string, bytes: Uint8Array, mode: number): Promise<void> {
  const file = openFiles.get(path) ?? keepOpen(path, mode);
  const before = file.last;
  const { promise, resolve } = Promise.withResolvers<void>();
  file.last = promise;
  try {
    const handle = await file.handle;
    await before;
    await handle.writeFile(bytes);
  } catch (error) {
    forget(path, file);
    const stream = isErrno(error, 'ENXIO') ? STANDARD.get(path) : undefined;
    if (stream === undefined) throw error;
    await before;
    await written(stream(), bytes);
  } finally {
    resolve();
  }
}

function keepOpen(path: string, mode: number): OpenFile {
  const file: OpenFile = { handle: openForAppend(path, mode), last: Promise.resolve() };
  openFiles.set(path, file);
  file.handle.then(
    () => setTimeout(() => void close(path, file), KEEP_OPEN_MS).unref(),
    () => forget(path, file),
  );
  return file;
}

async function openForAppend(path: string, mode: number): Promise<FileHandle> {
  makeDirectory(dirname(path), 0o700);
  return open(path, 'a', mode);
}

async function close(path: string, file: OpenFile): Promise<void> {
  forget(path, file);
  await file.last;
  const handle = await file.handle;
  // What was appended is with the system; an error of close() has nobody to hear it.
  await handle.close().catch(() => {});
}

function forget(path: string, file: OpenFile): void {
  if (openFiles.get(path) === file) openFiles.delete(path);
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
