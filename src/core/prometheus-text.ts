/** Series as text for Prometheus (format 0.0.4). Proxies and the control plane both write it, so it stands here. */
import type { Labels, Series } from './counters.ts';

/** `series` of one name come together, as `Counters.series` gives them. */
export function seriesLines(series: Iterable<Series>): string[] {
  const lines: string[] = [];
  let lastName = '';
  for (const { name, labels, kind, value } of series) {
    if (name !== lastName) lines.push(`# TYPE ${name} ${kind}`);
    lastName = name;
    lines.push(`${name}${labelText(labels)} ${value}`);
  }
  return lines;
}

/** `{a="1",b="2"}`, or nothing for no labels. */
export function labelText(labels: Labels): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return parts.length === 0 ? '' : `{${parts.join(',')}}`;
}

/** Backslash, quote and line feed. */
function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (c) => (c === '\n' ? '\\n' : `\\${c}`));
}
