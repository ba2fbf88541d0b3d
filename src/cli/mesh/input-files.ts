/** The texts behind `-f`: files, directories of YAML and JSON, and standard input. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, WeftError } from '../../core/errors.ts';
import type { SourceText } from '../../api/documents.ts';

const MAX_FILES = 1_000;

/** In the order given; the files of a directory by name, without its subdirectories. `-` is standard input. */
export function readInputs(paths: readonly string[]): SourceText[] {
  return paths.flatMap((path) => {
    if (path === '-') return [{ text: read(0, '-'), file: '-' }];
    return filesOf(path).map((file) => ({ text: read(file, file), file }));
  });
}

function filesOf(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path];
    const names = readdirSync(path).filter((name) => /\.(ya?ml|json)$/.test(name));
    if (names.length === 0) {
      throw new WeftError('file-not-found', { what: 'the directory has no .yaml, .yml or .json file', where: path });
    }
    if (names.length > MAX_FILES) {
      throw new WeftError('limit-exceeded', { what: `the directory has more than ${MAX_FILES} files`, where: path });
    }
    return names.sort().map((name) => join(path, name));
  } catch (error) {
    throw error instanceof WeftError ? error : unreadable(path, error);
  }
}

function read(from: string | number, name: string): string {
  try {
    return readFileSync(from, 'utf8');
  } catch (error) {
    throw unreadable(name, error);
  }
}

function unreadable(path: string, error: unknown): WeftError {
  const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
  return new WeftError(missing ? 'file-not-found' : 'io', {
    what: missing ? 'there is no such file' : `the file cannot be read: ${messageOf(error)}`,
    where: path,
    hint: missing ? 'Check the path; it is relative to the current directory' : '',
    cause: error,
  });
}
