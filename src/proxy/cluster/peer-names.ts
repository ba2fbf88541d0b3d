/** Whether a peer carries one of the names that a configuration accepts: Envoy's `match_typed_subject_alt_names`. */
import { bytesOf } from '../../core/bytes.ts';
import type { PeerCertificate } from '../../core/runtime.ts';
import { textMatches } from '../../http/match/text.ts';
import type { PeerIdMatch } from '../../snapshot/snapshot.ts';

export function isNamed(peer: PeerCertificate, accepted: readonly PeerIdMatch[]): boolean {
  return accepted.some((match) =>
    match.san === 'uri'
      ? peer.uris.some((name) => matches(match, name))
      : peer.dnsNames.some((name) => matches(match, name) || (match.kind === 'exact' && isWild(name, match.value))),
  );
}

function matches(match: PeerIdMatch, name: string): boolean {
  const bytes = bytesOf(name);
  return textMatches(match, bytesOf(match.value), bytes, 0, bytes.length);
}

/** A certificate for `*.example.com` is one for every name with one label more (RFC 6125 section 6.4.3). */
function isWild(name: string, wanted: string): boolean {
  const dot = wanted.indexOf('.');
  return name.startsWith('*.') && dot > 0 && wanted.slice(dot + 1).toLowerCase() === name.slice(2).toLowerCase();
}
