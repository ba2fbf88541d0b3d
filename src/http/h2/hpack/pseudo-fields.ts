/** Where a head keeps what HTTP/2 says in pseudo-header fields (RFC 9113 section 8.3). */
import type { Head } from '../../head.ts';
import { methodOf } from '../../method.ts';
import { KIND, type Kind } from './field-kind.ts';

/** Remembers the value at `bytes[start, end)`, which was checked; `:protocol` is the decoder's to keep. */
export function setPseudo(head: Head, kind: Kind, start: number, end: number): void {
  const { bytes } = head;
  switch (kind) {
    case KIND.method:
      head.method = methodOf(bytes, start, end);
      head.methodStart = start;
      head.methodEnd = end;
      break;
    case KIND.path:
      head.pathStart = start;
      head.pathEnd = end;
      break;
    case KIND.scheme:
      head.scheme = end - start === 5 ? 'https' : 'http';
      break;
    case KIND.authority:
      head.authorityStart = start;
      head.authorityEnd = end;
      break;
    case KIND.status:
      head.status =
        (bytes[start] as number) * 100 + (bytes[start + 1] as number) * 10 + (bytes[start + 2] as number) - 0x30 * 111;
      break;
    default:
      break;
  }
}
