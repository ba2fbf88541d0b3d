/**
 * Durations as people write them in resources and flags. Everywhere else a duration is a number whose name ends in Ms
 * or Seconds.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3, // U+00B5
  μs: 1e-3, // U+03BC, as Go accepts both
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

const GO_DURATION =
  /^(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h)(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))*$/;
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const MAX_TEXT = 64;

/** Go's form without a sign: `1h30m`, `1.5s`, `250ms`, `0`. Milliseconds, or null when the text has another form. */
export function parseDuration(text: string): number | null {
  if (text === '0') return 0;
  if (text.length > MAX_TEXT || !GO_DURATION.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit] of text.matchAll(PART)) totalMs += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  return Number.isFinite(totalMs) ? roundToNanoseconds(totalMs) : null;
}

/** GEP-2257, the form that Gateway API fields take: at most four parts of up to five digits in h, m, s or ms. */
export function parseGatewayDuration(text: string): number | null {
  return /^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text) ? parseDuration(text) : null;
}

/** Whole milliseconds in a form that both parsers read: `1h30m`, `1s500ms`, `0s`. Negative and NaN give `0s`. */
export function formatDuration(durationMs: number): string {
  let left = durationMs > 0 ? Math.round(durationMs) : 0;
  if (left === 0) return '0s';
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms']) {
    const size = UNIT_MS[unit] ?? 1;
    const amount = Math.floor(left / size);
    if (amount > 0) text += `${amount}${unit}`;
    left -= amount * size;
  }
  return text;
}

function roundToNanoseconds(durationMs: number): number {
  const ns = Math.round(durationMs * 1e6);
  return Number.isSafeInteger(ns) ? ns / 1e6 : durationMs;
}
