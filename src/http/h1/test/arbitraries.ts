/** Generators for the property tests: messages that are valid, messages that are nearly valid, and cuts of them. */
import fc from 'fast-check';

const token = fc.stringMatching(/^[a-zA-Z0-9!#$%&'*+.^`|~-]{1,12}$/);
const value = fc.stringMatching(/^([!-~]([ -~\t]{0,30}[!-~])?)?$/);

const FRAMING_NAMES =
  /^(content-length|transfer-encoding|connection|host|upgrade|te|expect|keep-alive|proxy-.*|trailer)$/i;

export const fields = fc.array(
  fc.tuple(
    token.filter((name) => !FRAMING_NAMES.test(name)),
    value,
  ),
  { maxLength: 8 },
);

export const pieces = fc.array(fc.string({ minLength: 0, maxLength: 40, unit: 'binary-ascii' }), { maxLength: 6 });

export const method = fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'BREW', 'OPTIONS');
export const path = fc.stringMatching(/^\/[!-"$-~]{0,30}$/);

function chunked(parts: readonly string[], trailers: readonly (readonly [string, string])[]): string {
  const chunks = parts.filter((p) => p !== '').map((p) => `${p.length.toString(16)}\r\n${p}\r\n`);
  return `${chunks.join('')}0\r\n${trailers.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`;
}

const lines = (list: readonly (readonly [string, string])[]): string => list.map(([n, v]) => `${n}: ${v}\r\n`).join('');

/** A valid request as bytes (latin1). */
export const requestText = fc
  .record({ method, path, fields, pieces, trailers: fields, framing: fc.constantFrom('none', 'length', 'chunked') })
  .map((r) => {
    const start = `${r.method} ${r.path} HTTP/1.1\r\nHost: a\r\n${lines(r.fields)}`;
    const body = r.pieces.join('');
    if (r.framing === 'none') return `${start}\r\n`;
    if (r.framing === 'length') return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
    return `${start}Transfer-Encoding: chunked\r\n\r\n${chunked(r.pieces, r.trailers)}`;
  });

/** The same for a response. */
export const responseText = fc
  .record({
    status: fc.constantFrom(200, 201, 404, 500, 503),
    fields,
    pieces,
    trailers: fields,
    framing: fc.constantFrom('length', 'chunked'),
  })
  .map((r) => {
    const start = `HTTP/1.1 ${r.status} Reason\r\n${lines(r.fields)}`;
    const body = r.pieces.join('');
    if (r.framing === 'length') return `${start}Content-Length: ${body.length}\r\n\r\n${body}`;
    return `${start}Transfer-Encoding: chunked\r\n\r\n${chunked(r.pieces, r.trailers)}`;
  });

const ODD = [
  '\r',
  '\n',
  '\r\n',
  '\r\n\r\n',
  '\0',
  ' ',
  '\t',
  ':',
  ',',
  ';',
  '0',
  '1',
  'ff',
  '-',
  '+',
  '\x7f',
  '\xff',
  '\x0b',
  'Content-Length: 3\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: x\r\n',
  'Host: b\r\n',
  'chunked',
  'HTTP/1.0',
  'Connection: close\r\n',
  ' \r\n',
  '\n\n',
  '_',
] as const;

/** A valid text, or one with a few bytes inserted, dropped or doubled. */
export function mutated(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    kind: fc.constantFrom('insert', 'drop', 'double'),
    odd: fc.constantFrom(...ODD),
    length: fc.integer({ min: 1, max: 4 }),
  });
  return fc.tuple(text, fc.array(edit, { maxLength: 3 })).map(([valid, edits]) => {
    let out = valid;
    for (const e of edits) {
      const at = Math.floor(e.at * (out.length + 1));
      if (e.kind === 'insert') out = out.slice(0, at) + e.odd + out.slice(at);
      else if (e.kind === 'drop') out = out.slice(0, at) + out.slice(at + e.length);
      else out = out.slice(0, at + e.length) + out.slice(at);
    }
    return out;
  });
}

/** The text cut at these places. */
export function cut(text: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((c) => c % (text.length + 1)))].sort((a, b) => a - b);
  const parts: string[] = [];
  let from = 0;
  for (const to of [...places, text.length]) {
    if (to > from) parts.push(text.slice(from, to));
    from = to;
  }
  return parts;
}
