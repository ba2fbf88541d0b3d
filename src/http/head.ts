/**
 * The head of one message: its start line and fields as ranges of one byte array. It belongs to one exchange from load
 * to `free`; whoever holds the exchange may edit it, encoders only read. Trailers are a Head without a start line.
 * HTTP/1.1 and HTTP/2 read into and write from this one form.
 */
import { copyBytes, viewOf } from '../core/bytes.ts';
import { WeftError } from '../core/errors.ts';
import { printableEnd } from '../core/words.ts';
import { isAuthority } from './authority.ts';
import { type FieldName, HOST } from './field-name.ts';
import { FRAMING, type Framing } from './framing.ts';
import { FIELD_WIDTH, giveStorage, type HeadStorage, takeStorage } from './head-storage.ts';
import { METHOD, type Method, methodOf } from './method.ts';
import { FIELD_BYTE, isAll, isToken, TARGET_BYTE, TOKEN } from './token.ts';

/** Slots of one field in `Head.fields`, from `index * FIELD_WIDTH`. Ranges are offsets into `Head.bytes`. */
export const NAME_START = 0;
export const NAME_END = 1;
export const VALUE_START = 2;
export const VALUE_END = 3;
export const NAME_HASH = 4;
export const FLAGS = 5;
export { FIELD_WIDTH };

/** In the FLAGS slot; the bits from 2 to 14 say which known field it is (`h1/known-fields.ts`). */
export const REMOVED = 1;
/** Means this hop only: readable, never written to the next. */
export const HOP = 2;
/** Came as a literal that no hop may put into a table (RFC 7541 section 6.2.3). */
export const NEVER_INDEXED = 1 << 15;

/** The form of the request target (RFC 9112 section 3.2). */
export const TARGET = { origin: 0, absolute: 1, authority: 2, asterisk: 3 } as const;
export type Target = (typeof TARGET)[keyof typeof TARGET];

/** Whether a request asks for a protocol upgrade, and whether the router lets it pass; unasked or merely asked, `Upgrade` is dropped. */
export const UPGRADE_STATE = { none: 0, asked: 1, granted: 2 } as const;
export type UpgradeState = (typeof UPGRADE_STATE)[keyof typeof UPGRADE_STATE];

/** What a head may grow to by appended fields; a bug's bound, not a peer's. */
const MAX_BYTES = 1 << 20;
const NO_BYTES = Buffer.alloc(0);
const NO_VIEW = viewOf(NO_BYTES);
const NO_FIELDS = new Int32Array(0);

export class Head {
  /** Replaced when the head grows: read it after `begin`, do not keep it. */
  bytes: Uint8Array;
  /** Of `bytes`, for comparing and checking several at once. */
  view: DataView;
  /** Bytes of `bytes` that are taken. */
  used = 0;
  count = 0;
  fields: Int32Array;

  /** 10, 11 or 20 as received; 11 for built heads. */
  version = 11;
  /** The sender's wish for its connection (RFC 9112 section 9.3). */
  keepAlive = true;
  framing: Framing = FRAMING.none;
  /** -1: unknown. Of a response to HEAD, and of 304, what the content would have had. */
  contentLength = -1;
  upgrade: UpgradeState = UPGRADE_STATE.none;
  /** Union of the known-field bits of all fields that were scanned. */
  known = 0;

  method: Method = METHOD.other;
  methodStart = 0;
  methodEnd = 0;
  target: Target = TARGET.origin;
  /** Path and query in origin form, whatever form the target had; `*` for an asterisk, empty for CONNECT. */
  pathStart = 0;
  pathEnd = 0;
  /** From an absolute or authority target, else from Host; empty when an HTTP/1.0 request has none. */
  authorityStart = 0;
  authorityEnd = 0;
  /** Of an absolute target, or `:scheme`; null when the target says none. */
  scheme: 'http' | 'https' | null = null;

  /** 0 for requests and trailers. */
  status = 0;
  reasonStart = 0;
  reasonEnd = 0;

  #storage: HeadStorage | null;

  constructor() {
    const storage = takeStorage();
    this.#storage = storage;
    this.bytes = storage.bytes;
    this.view = storage.view;
    this.fields = storage.fields;
  }

  /** A request in origin form. Throws a WeftError `invalid` for what could not be sent. */
  static request(method: string, path: string, authority: string): Head {
    if (!isToken(method)) throw new WeftError('invalid', { what: `${JSON.stringify(method)} is not a method` });
    const head = new Head();
    head.methodStart = head.used;
    head.methodEnd = head.used = head.#put(method, head.used);
    head.method = methodOf(head.bytes, head.methodStart, head.methodEnd);
    if (head.method === METHOD.connect) head.target = TARGET.authority;
    else head.setPath(path);
    head.setAuthority(authority);
    return head;
  }

  /** A response whose reason phrase is the status' usual one. Say `contentLength` when content follows. */
  static response(status: number): Head {
    const head = new Head();
    head.setStatus(status);
    return head;
  }

  /** Index of the first live field of this name after index `after`, or -1. */
  find(name: FieldName, after = -1): number {
    const { fields, count } = this;
    const hash = name.hash;
    for (let i = after + 1, slot = i * FIELD_WIDTH; i < count; i++, slot += FIELD_WIDTH) {
      if (fields[slot + NAME_HASH] === hash && ((fields[slot + FLAGS] as number) & REMOVED) === 0) {
        if (this.isNamed(i, name)) return i;
      }
    }
    return -1;
  }

  isNamed(index: number, name: FieldName): boolean {
    const slot = index * FIELD_WIDTH;
    const start = this.fields[slot] as number;
    const wanted = name.bytes;
    if ((this.fields[slot + NAME_END] as number) - start !== wanted.length) return false;
    for (let i = 0; i < wanted.length; i++) if (TOKEN[this.bytes[start + i] as number] !== wanted[i]) return false;
    return true;
  }

  /** Whether the value is exactly these bytes. */
  equals(index: number, value: Uint8Array): boolean {
    const slot = index * FIELD_WIDTH;
    const start = this.fields[slot + VALUE_START] as number;
    if ((this.fields[slot + VALUE_END] as number) - start !== value.length) return false;
    for (let i = 0; i < value.length; i++) if (this.bytes[start + i] !== value[i]) return false;
    return true;
  }

  valueStart(index: number): number {
    return this.fields[index * FIELD_WIDTH + VALUE_START] ?? 0;
  }

  valueEnd(index: number): number {
    return this.fields[index * FIELD_WIDTH + VALUE_END] ?? 0;
  }

  isRemoved(index: number): boolean {
    return ((this.fields[index * FIELD_WIDTH + FLAGS] ?? REMOVED) & REMOVED) !== 0;
  }

  /** The value as a string; each byte is one character (latin1). */
  text(index: number): string {
    return this.slice(this.valueStart(index), this.valueEnd(index));
  }

  /** The name as it came, in its letter case. */
  nameText(index: number): string {
    const slot = index * FIELD_WIDTH;
    return this.slice(this.fields[slot + NAME_START] ?? 0, this.fields[slot + NAME_END] ?? 0);
  }

  /** The first value of this name, or null. Several fields of one name: go on with `find(name, after)`. */
  value(name: FieldName): string | null {
    const index = this.find(name);
    return index < 0 ? null : this.text(index);
  }

  get methodText(): string {
    return this.slice(this.methodStart, this.methodEnd);
  }

  get pathText(): string {
    return this.slice(this.pathStart, this.pathEnd);
  }

  get authorityText(): string {
    return this.slice(this.authorityStart, this.authorityEnd);
  }

  get reasonText(): string {
    return this.slice(this.reasonStart, this.reasonEnd);
  }

  slice(start: number, end: number): string {
    // All storage is a Buffer; the type is Uint8Array so that nobody comes to rely on it.
    return (this.bytes as Buffer).toString('latin1', start, end);
  }

  /** Opens a field: write at most `room` bytes of value at the returned offset of `bytes`, then `seal`. */
  begin(name: FieldName, room: number): number {
    this.reserve(name.bytes.length + room + 4);
    if ((this.count + 1) * FIELD_WIDTH > this.fields.length) this.#growFields();
    const { bytes, fields } = this;
    const slot = this.count * FIELD_WIDTH;
    let at = this.used;
    fields[slot + NAME_START] = at;
    for (let i = 0; i < name.bytes.length; i++) bytes[at++] = name.bytes[i] as number;
    fields[slot + NAME_END] = at;
    bytes[at++] = 0x3a;
    bytes[at++] = 0x20;
    fields[slot + VALUE_START] = at;
    fields[slot + NAME_HASH] = name.hash;
    fields[slot + FLAGS] = name.isHop ? HOP : 0;
    return at;
  }

  /** Closes the field that `begin` opened. A value that would break the message (CR, LF, NUL…) throws and leaves no field. */
  seal(end: number): void {
    const slot = this.count * FIELD_WIDTH;
    const start = this.fields[slot + VALUE_START] as number;
    if (!isAll(FIELD_BYTE, this.bytes, printableEnd(this.view, start, end), end)) {
      throw new WeftError('invalid', { what: 'a field value holds a control byte' });
    }
    this.fields[slot + VALUE_END] = end;
    this.bytes[end] = 0x0d;
    this.bytes[end + 1] = 0x0a;
    this.used = end + 2;
    this.count++;
  }

  append(name: FieldName, value: Uint8Array): void {
    const at = this.begin(name, value.length);
    this.bytes.set(value, at);
    this.seal(at + value.length);
  }

  /** Characters above U+00FF throw: encode them first. */
  appendText(name: FieldName, value: string): void {
    const at = this.begin(name, value.length);
    this.seal(this.#put(value, at));
  }

  /** Replaces every field of this name by one. */
  setText(name: FieldName, value: string): void {
    this.removeAll(name);
    this.appendText(name, value);
  }

  remove(index: number): void {
    const slot = index * FIELD_WIDTH + FLAGS;
    this.fields[slot] = (this.fields[slot] ?? 0) | REMOVED;
  }

  removeAll(name: FieldName): void {
    for (let i = this.find(name); i >= 0; i = this.find(name, i)) this.remove(i);
  }

  /** Path and query; must begin with `/`, or be `*`. Throws a WeftError `invalid` for bytes that a target cannot hold. */
  setPath(path: string): void {
    this.reserve(path.length);
    const end = this.#put(path, this.used);
    const starts = this.bytes[this.used] === 0x2f || path === '*';
    if (!starts || !isAll(TARGET_BYTE, this.bytes, this.used, end)) {
      throw new WeftError('invalid', { what: `${JSON.stringify(path)} is not a path` });
    }
    this.pathStart = this.used;
    this.pathEnd = this.used = end;
    this.target = path === '*' ? TARGET.asterisk : TARGET.origin;
  }

  /** Host and port that the request is for: replaces Host. */
  setAuthority(authority: string): void {
    const start = this.begin(HOST, authority.length);
    const end = this.#put(authority, start);
    if (!isAuthority(this.bytes, start, end)) {
      throw new WeftError('invalid', { what: `${JSON.stringify(authority)} is not an authority` });
    }
    this.removeAll(HOST);
    this.seal(end);
    this.authorityStart = start;
    this.authorityEnd = end;
  }

  /** The reason phrase becomes the status' usual one. */
  setStatus(status: number): void {
    if (!(Number.isInteger(status) && status >= 100 && status <= 599)) {
      throw new WeftError('invalid', { what: `${status} is not a response status` });
    }
    this.status = status;
    this.reasonStart = this.reasonEnd = 0;
  }

  /** Gives the storage back. Whoever reads later sees an empty head. Twice is harmless. */
  free(): void {
    const storage = this.#storage;
    if (storage !== null) giveStorage(storage);
    this.#storage = null;
    this.bytes = NO_BYTES;
    this.view = NO_VIEW;
    this.fields = NO_FIELDS;
    this.count = this.used = this.known = 0;
    this.methodStart = this.methodEnd = this.pathStart = this.pathEnd = 0;
    this.authorityStart = this.authorityEnd = this.reasonStart = this.reasonEnd = 0;
  }

  /** Copies the `used` bytes that a scanner read, from `at` on: the one copy that a head costs. */
  load(bytes: Uint8Array, at: number): void {
    const used = this.used;
    this.used = 0;
    this.reserve(used);
    this.used = used;
    copyBytes(bytes, at, at + used, this.bytes, 0);
  }

  /** Makes room for `room` more bytes after `used`; for codecs. */
  reserve(room: number): void {
    const needed = this.used + room;
    if (needed <= this.bytes.length) return;
    if (needed > MAX_BYTES) {
      throw new WeftError('limit-exceeded', { what: `a head would grow past ${MAX_BYTES} bytes` });
    }
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.used));
    this.bytes = grown;
    this.view = viewOf(grown);
  }

  /** Makes room for one more field; for codecs. */
  reserveField(): void {
    if ((this.count + 1) * FIELD_WIDTH > this.fields.length) this.#growFields();
  }

  #growFields(): void {
    const grown = new Int32Array(Math.max(this.fields.length * 2, FIELD_WIDTH * 16));
    grown.set(this.fields);
    this.fields = grown;
  }

  #put(text: string, at: number): number {
    this.reserve(at - this.used + text.length);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      // A byte array would keep the low eight bits: U+010A would become LF.
      if (code > 0xff) throw new WeftError('invalid', { what: 'a head holds bytes: encode characters above U+00FF' });
      this.bytes[at + i] = code;
    }
    return at + text.length;
  }
}
