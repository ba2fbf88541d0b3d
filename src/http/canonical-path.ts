/**
 * One spelling for a path, so that a rule that was written for one cannot be walked around with another: what Envoy's
 * `normalize_path`, `merge_slashes` and `path_with_escaped_slashes_action` do. None of them looks at the query.
 */

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const DOT = 0x2e;
const PERCENT = 0x25;
const QUERY = 0x3f;
const ESCAPED_SLASH = /%2f|%5c/i;
/** RFC 3986 section 2.3: an escape of these means the same as the character. */
const UNRESERVED = /[A-Za-z0-9\-._~]/;
/** A percent sign that begins no escape; no path has a NUL of its own. */
const STRAY_PERCENT = /%(?![0-9A-Fa-f]{2})/g;
const STRAY = '\0';
/** They stand in no path unescaped, and some client sends them so all the same. */
const UNSAFE = /["<>^`{|}]/g;

/** Whether anything here could need another spelling: most paths need none, and are not made strings of. */
export function isSuspicious(bytes: Uint8Array, start: number, end: number): boolean {
  let before = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === QUERY) return false;
    if (byte === PERCENT || byte === BACKSLASH || byte > 0x7a || byte === 0x22 || byte === 0x3c) return true;
    if (byte === 0x3e || byte === 0x5e || byte === 0x60) return true;
    if (before === SLASH && (byte === SLASH || byte === DOT)) return true;
    before = byte;
  }
  return false;
}

export function hasEscapedSlash(target: string): boolean {
  return ESCAPED_SLASH.test(pathOf(target));
}

export function unescapeSlashes(target: string): string {
  return onPath(target, (path) => path.replaceAll(/%2f/gi, '/').replaceAll(/%5c/gi, '\\'));
}

export function mergeSlashes(target: string): string {
  return onPath(target, (path) => path.replaceAll(/\/{2,}/g, '/'));
}

/** RFC 3986 section 6.2.2, with backslashes taken for slashes as browsers do. Null: an escaped NUL, which nobody means well. */
export function normalizePath(target: string): string | null {
  if (/%00/.test(pathOf(target))) return null;
  return onPath(target, (path) => {
    const plain = path
      .replaceAll('\\', '/')
      .replaceAll(STRAY_PERCENT, STRAY)
      .replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
        const character = String.fromCharCode(Number.parseInt(hex, 16));
        return UNRESERVED.test(character) ? character : escape;
      })
      // It must not begin an escape with what was unescaped behind it.
      .replaceAll(/\0(?=[0-9A-Fa-f]{2})/g, '%25')
      .replaceAll(STRAY, '%')
      .replaceAll(UNSAFE, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
    return withoutDots(plain);
  });
}

/** With parameters too: servers of Java take `..;x` for `..`. */
const DOTS = /^(\.\.?)(?:;|$)/;

/** RFC 3986 section 5.2.4. Empty segments stay. */
function withoutDots(path: string): string {
  if (!path.includes('/.')) return path;
  const kept: string[] = [];
  const segments = path.slice(1).split('/');
  for (const [i, segment] of segments.entries()) {
    const isLast = i === segments.length - 1;
    const dots = DOTS.exec(segment)?.[1] ?? '';
    if (dots === '..') kept.pop();
    else if (dots === '') kept.push(segment);
    if (isLast && dots !== '') kept.push('');
  }
  return `/${kept.join('/')}`;
}

function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query < 0 ? target : target.slice(0, query);
}

function onPath(target: string, change: (path: string) => string): string {
  const path = pathOf(target);
  return `${change(path)}${target.slice(path.length)}`;
}
