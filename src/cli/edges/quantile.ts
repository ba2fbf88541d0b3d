/** Quantiles of a cumulative histogram, as Prometheus' histogram_quantile computes them: linear within a bucket. */
import type { Bucket } from './edge-totals.ts';

/** In ms; null when nothing was recorded. In the unbounded bucket: its lower bound. */
export function quantile(buckets: readonly Bucket[], q: number): number | null {
  const total = buckets.at(-1)?.count ?? 0;
  if (total <= 0) return null;
  const rank = q * total;
  let lowerMs = 0;
  let below = 0;
  for (const { atMostMs, count } of buckets) {
    if (count >= rank && count > below) {
      if (!Number.isFinite(atMostMs)) return lowerMs;
      return lowerMs + ((atMostMs - lowerMs) * (rank - below)) / (count - below);
    }
    lowerMs = Number.isFinite(atMostMs) ? atMostMs : lowerMs;
    below = count;
  }
  return lowerMs;
}
