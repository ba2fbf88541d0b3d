/**
 * Where our ends and readers that we did not write may differ, and why both may be right. A difference is told as
 * `end type: complaint`, with the type of the frame at which one complained and the other did not.
 */

interface Difference {
  readonly says: RegExp;
  /** Only of this reader. */
  readonly reader?: string;
  readonly because: string;
}

/** We refuse, the reader does not. */
const WE_ARE_STRICTER: readonly Difference[] = [
  { says: /: the first frame is not SETTINGS$/, because: 'RFC 9113 section 3.4: it must be' },
  { says: /: HEADERS on a closed stream$/, because: 'sections 5.1 and 5.1.1: ids only grow, and closed is closed' },
  { says: / 0: reset 5$/, because: 'section 5.1: DATA on a closed stream is an error; h2 drops it' },
  { says: / 3: RST_STREAM on an idle stream$/, because: 'section 6.4: a connection error' },
  { says: / 2: (malformed PRIORITY|reset 1)$/, because: 'RFC 7540 section 5.3.1: no stream depends on itself' },
  { says: / 2: PRIORITY without a stream$/, because: 'section 6.3: a connection error' },
  { says: / 4: a setting out of its range$/, because: 'RFC 8441 section 3: 0 or 1; RFC 9113 section 6.5.2' },
  { says: /malformed field name/, because: 'RFC 9113 section 8.2.1; nghttp2 drops such fields unread' },
  { says: /control byte in a field value/, because: 'section 8.2.1; nghttp2 drops such fields unread' },
  {
    says: /malformed, unknown or misplaced pseudo-header field/,
    because:
      'sections 8.3.1 and 8.3.2; schemes other than http and https are for no proxy of HTTP (RFC 9110 section 4.2); a status is three digits from 100 to 599 (RFC 9110 section 15)',
  },
  {
    says: /missing pseudo-header field/,
    because: 'section 8.3; HEADERS behind content that do not end the message (section 8.1)',
  },
  { says: /more than one pseudo-header field/, because: 'section 8.3' },
  {
    says: /malformed request target/,
    because: 'RFC 9110 section 9.3.6: CONNECT needs a port; RFC 3986: bytes that no path has',
  },
  { says: /malformed Host|more than one Host|missing Host/, because: 'RFC 9112 section 3.2' },
  { says: /Host differs from the request target/, because: 'RFC 9113 section 8.3.1: the same entity' },
  { says: /Content-Length/, because: 'RFC 9110 section 8.6: digits, once' },
  {
    says: /content where the message cannot have any/,
    because: 'RFC 9110 section 9.3.6: CONNECT has no content; RFC 9113 section 8.1.1: a length without any',
  },
  { says: /field of an HTTP\/1.1 connection/, because: 'section 8.2.2' },
  { says: /TE says more than/, because: 'section 8.2.2' },
  {
    says: /field name imitates/,
    because: 'ours: what another parser would take for a field that frames or names the caller',
  },
  { says: /Expect is not/, because: 'RFC 9110 section 10.1.1' },
  { says: /must not be a trailer/, because: 'RFC 9110 section 6.5.1' },
  {
    says: /: reset 1 \(no reason; /,
    because: 'RFC 9113 section 8.1.1: a response that ends before its Content-Length',
  },
  {
    says: /; as trailers: no reason\)$/,
    because: 'section 8.1.1: trailers before the Content-Length; section 8.5: behind CONNECT',
  },
  {
    says: / 0: reset 1$/,
    reader: 'h2',
    because: 'section 8.1.1: content that a 204, a 304 or an answer to HEAD cannot have',
  },
  { says: / 1: PUSH_PROMISE| 5: PUSH_PROMISE/, because: 'section 8.4: switched off, or from a client' },
];

/** The reader refuses, we do not. */
const THEY_ARE_STRICTER: readonly Difference[] = [
  {
    reader: 'node:http2',
    says: / 4: goaway 1$/,
    because: 'an ACK of SETTINGS that were not sent: counted, section 6.5 names no error',
  },
  {
    reader: 'node:http2',
    says: / 6: goaway 2$/,
    because: 'an answer to a PING that was not sent: counted, section 6.7 names no error',
  },
  {
    reader: 'node:http2',
    says: / 7: goaway 1$/,
    because: 'GOAWAY of a client that names a stream which no server opened: nothing hangs on it',
  },
  {
    reader: 'node:http2',
    says: / 7: Session closed with error code/,
    because: 'section 6.8: whoever says GOAWAY with an error ends the connection; we wait for that',
  },
  {
    reader: 'node:http2',
    says: /: closed$/,
    because: 'section 6.8: after GOAWAY a connection without streams may end, or not',
  },
  {
    reader: 'h2',
    says: /in state ConnectionState\.CLOSED$/,
    because: 'section 6.8: after GOAWAY the streams in flight go on',
  },
  {
    reader: 'h2',
    says: /^client 1: ProtocolError: Invalid value for TE header/,
    because: 'RFC 9110 section 10.1.4: TE says nothing in a response, and goes no further',
  },
  {
    reader: 'h2',
    says: /invalid padding\.$/,
    because: 'section 6.2: as much padding as payload is allowed; h2 forbids it where no fragment is left',
  },
  {
    reader: 'h2',
    says: / 8: ProtocolError: Received frame with non-compliant data$/,
    because: 'section 5.1: WINDOW_UPDATE on a closed stream is ignored, whatever it says',
  },
  {
    reader: 'h2',
    says: /^client 0: InvalidBodyLengthError/,
    because: 'RFC 9110 section 9.3.6: Content-Length of a tunnel is ignored',
  },
  {
    reader: 'h2',
    says: /mismatched :authority and Host headers: b'(.*?)(?::(?:80|443)?)?' \/ b'(?i:\1)(?::(?:80|443)?)?'/,
    because: 'RFC 9110 section 4.2.3: names of hosts know no case, and the port of the scheme is like none',
  },
  {
    reader: 'h2',
    says: / 10: FrameDataMissingError/,
    because: 'section 5.5: ALTSVC is an extension that we do not know',
  },
];

export function isAgreed(reader: string, weRefuse: boolean, what: string): boolean {
  const list = weRefuse ? WE_ARE_STRICTER : THEY_ARE_STRICTER;
  return list.some((each) => (each.reader === undefined || each.reader === reader) && each.says.test(what));
}
