/** Pseudo-header fields as the encoder writes them: names with their hashes, and what the static table has of them and of Content-Length. */
import { viewOf } from '../../../core/bytes.ts';
import { STATIC_FIELDS } from './static-table.ts';

export interface PseudoName {
  readonly bytes: DataView;
  readonly hash: number;
  /** In the static table; 0: it has none. */
  readonly index: number;
}

export const METHOD_NAME = pseudoName(':method');
export const PATH_NAME = pseudoName(':path');
export const AUTHORITY_NAME = pseudoName(':authority');
export const STATUS_NAME = pseudoName(':status');
export const PROTOCOL_NAME = pseudoName(':protocol');

export const GET_INDEX = indexOf(':method', 'GET');
export const POST_INDEX = indexOf(':method', 'POST');
export const ROOT_INDEX = indexOf(':path', '/');
export const HTTP_INDEX = indexOf(':scheme', 'http');
export const HTTPS_INDEX = indexOf(':scheme', 'https');
export const CONTENT_LENGTH_INDEX = indexOf('content-length', '');
/** Index of a status in the static table, or 0. */
export const STATUS_INDEXES = new Uint8Array(600);
for (const [index, [name, value]] of STATIC_FIELDS.entries()) if (name === ':status') STATUS_INDEXES[+value] = index;

function pseudoName(text: string): PseudoName {
  const bytes = Buffer.from(text, 'latin1');
  let hash = 0;
  for (const byte of bytes) hash = (Math.imul(hash, 31) + byte) | 0;
  return {
    bytes: viewOf(bytes),
    hash,
    index: Math.max(
      0,
      STATIC_FIELDS.findIndex(([name]) => name === text),
    ),
  };
}

function indexOf(name: string, value: string): number {
  return STATIC_FIELDS.findIndex((field) => field[0] === name && field[1] === value);
}
