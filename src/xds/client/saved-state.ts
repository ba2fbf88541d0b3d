/**
 * Received resources as one file, so that a sidecar that starts without its control plane serves on what it last had.
 * The checksum is against torn and damaged files; the file's mode is against other people.
 */
import { hash } from 'node:crypto';
import { WeftError } from '../../core/errors.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { KIND, Table } from '../wire/table.ts';
import type { ReceivedResource } from './received.ts';

interface SavedState {
  readonly resources: readonly ReceivedResource[];
}

const ReceivedResourceTable = new Table<ReceivedResource>('weft.ReceivedResource', () => [
  [1, 'type', KIND.string],
  [2, 'name', KIND.string],
  [3, 'version', KIND.string],
  [4, 'bytes', KIND.bytes],
]);
const SavedStateTable = new Table<SavedState>('weft.SavedState', () => [
  [1, 'resources', KIND.message, 'list', () => ReceivedResourceTable],
]);

/** The last character is the version of the format. */
const MAGIC = new TextEncoder().encode('weftxds1');
const CHECKSUM_BYTES = 32;

/** `weftxds1`, SHA-256 of the rest, then the resources. */
export function encodeSavedState(resources: readonly ReceivedResource[]): Uint8Array {
  const body = encode(SavedStateTable, { resources });
  const file = new Uint8Array(MAGIC.length + CHECKSUM_BYTES + body.length);
  file.set(MAGIC);
  file.set(hash('sha256', body, 'buffer'), MAGIC.length);
  file.set(body, MAGIC.length + CHECKSUM_BYTES);
  return file;
}

/** Throws `invalid` when the file is of another format, cut short or damaged: start without it. */
export function decodeSavedState(file: Uint8Array): readonly ReceivedResource[] {
  const body = file.subarray(MAGIC.length + CHECKSUM_BYTES);
  if (!startsWith(file, MAGIC)) throw damaged('not a copy of xDS resources of this version');
  if (!startsWith(file.subarray(MAGIC.length), hash('sha256', body, 'buffer'))) throw damaged('the checksum is wrong');
  return decode(SavedStateTable, body, { maxBytes: 1 << 30 }).resources;
}

function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  return bytes.length >= prefix.length && prefix.every((byte, index) => bytes[index] === byte);
}

function damaged(what: string): WeftError {
  return new WeftError('invalid', { what, hint: 'It is written anew with the next configuration' });
}
