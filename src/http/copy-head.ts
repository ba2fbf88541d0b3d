/** A head of its own with the content of another, for who needs it longer than the exchange that it belongs to. */
import { FIELD_WIDTH, Head } from './head.ts';

/** The caller frees it. */
export function copyHead(head: Head): Head {
  const copy = new Head();
  copy.used = head.used;
  copy.load(head.bytes, 0);
  copy.count = head.count;
  while (copy.fields.length < head.count * FIELD_WIDTH) copy.reserveField();
  copy.fields.set(head.fields.subarray(0, head.count * FIELD_WIDTH));
  copy.version = head.version;
  copy.keepAlive = head.keepAlive;
  copy.framing = head.framing;
  copy.contentLength = head.contentLength;
  copy.upgrade = head.upgrade;
  copy.known = head.known;
  copy.method = head.method;
  copy.methodStart = head.methodStart;
  copy.methodEnd = head.methodEnd;
  copy.target = head.target;
  copy.pathStart = head.pathStart;
  copy.pathEnd = head.pathEnd;
  copy.authorityStart = head.authorityStart;
  copy.authorityEnd = head.authorityEnd;
  copy.scheme = head.scheme;
  copy.status = head.status;
  copy.reasonStart = head.reasonStart;
  copy.reasonEnd = head.reasonEnd;
  return copy;
}
