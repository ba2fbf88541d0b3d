/** The static table of RFC 7541 appendix A, in the form of the decoder's dynamic one: an indexed field is read alike from both. */
import { viewOf } from '../../../core/bytes.ts';
import { hashOf } from '../../field-name.ts';
import { BAD_HOST, HTTP1_FIELD } from '../../h1/refusal.ts';
import { ENTRY_OVERHEAD, ENTRY_WIDTH } from './decoding-table.ts';
import { KIND, pseudoKindOf } from './field-kind.ts';
import { knownFlags } from './known-flags.ts';

const FIELDS =
  ':authority|:method=GET|:method=POST|:path=/|:path=/index.html|:scheme=http|:scheme=https|:status=200|:status=204|' +
  ':status=206|:status=304|:status=400|:status=404|:status=500|accept-charset|accept-encoding=gzip, deflate|' +
  'accept-language|accept-ranges|accept|access-control-allow-origin|age|allow|authorization|cache-control|' +
  'content-disposition|content-encoding|content-language|content-length|content-location|content-range|content-type|' +
  'cookie|date|etag|expect|expires|from|host|if-match|if-modified-since|if-none-match|if-range|if-unmodified-since|' +
  'last-modified|link|location|max-forwards|proxy-authenticate|proxy-authorization|range|referer|refresh|retry-after|' +
  'server|set-cookie|strict-transport-security|transfer-encoding|user-agent|vary|via|www-authenticate';

/** Names and values by index; index 0 is not used. */
export const STATIC_FIELDS: readonly (readonly [name: string, value: string])[] = [
  ['', ''],
  ...FIELDS.split('|').map((field): [string, string] => {
    const [name = '', value = ''] = field.split('=');
    return [name, value];
  }),
];

/** Indexes from here on are of the dynamic table. */
export const FIRST_DYNAMIC = STATIC_FIELDS.length;
/** Pseudo-header fields come first. */
export const LAST_PSEUDO = 14;

/** Slots as in `DecodingTable.entries`; the slot of an entry is its index. */
export const STATIC_ENTRIES = new Int32Array(FIRST_DYNAMIC * ENTRY_WIDTH);
export const STATIC_LINES: Uint8Array = build();
export const STATIC_VIEW = viewOf(STATIC_LINES);

function build(): Uint8Array {
  let text = '';
  for (const [index, [name, value]] of STATIC_FIELDS.entries()) {
    if (index === 0) continue;
    const bytes = Buffer.from(name, 'latin1');
    const kind = name.startsWith(':') ? pseudoKindOf(bytes, 0, bytes.length) : KIND.regular;
    const shown = kind === KIND.authority ? 'host' : kind === KIND.regular ? name : '';
    const shownBytes = Buffer.from(shown, 'latin1');
    const hash = hashOf(shownBytes, 0, shownBytes.length);
    const nameEnd = text.length + shown.length;
    const valueStart = shown === '' ? nameEnd : nameEnd + 2;
    STATIC_ENTRIES.set(
      [
        text.length,
        nameEnd,
        valueStart,
        valueStart + value.length,
        hash,
        shown === '' ? 0 : knownFlags(hash, shownBytes, 0, shownBytes.length),
        name.length + value.length + ENTRY_OVERHEAD,
        kind,
        refusalOf(name),
      ],
      index * ENTRY_WIDTH,
    );
    text += shown === '' ? value : `${shown}: ${value}\r\n`;
  }
  return Buffer.from(text, 'latin1');
}

/** Of the two entries that make every head with them malformed: an empty authority, and a field of HTTP/1.1. */
function refusalOf(name: string): number {
  if (name === ':authority') return BAD_HOST;
  return name === 'transfer-encoding' ? HTTP1_FIELD : 0;
}
