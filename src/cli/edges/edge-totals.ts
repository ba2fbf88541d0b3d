/**
 * What one proxy counted for one arrow of the mesh since it started, and what happened between two looks at it. Pure:
 * `top` and `dev` share it.
 */

/** One line of the admin endpoint's `/weft/stats`. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The admin endpoint's `/edges`, as far as it is read here. */
export interface EdgeHistograms {
  readonly boundsMs: readonly number[];
  readonly edges: readonly (EdgeName & { readonly requests: number; readonly cumulative: readonly number[] })[];
}

export interface EdgeName {
  readonly direction: 'inbound' | 'outbound';
  readonly source: string;
  readonly destination: string;
  readonly mtls: boolean;
}

/** Cumulative: how many requests took at most `atMostMs`. */
export interface Bucket {
  readonly atMostMs: number;
  readonly count: number;
}

export interface Outcome {
  /** 0: no response. */
  readonly status: number;
  /** Why the proxy made the response or had none; empty: the application answered. */
  readonly flag: string;
  readonly count: number;
}

export interface EdgeTotals extends EdgeName {
  readonly outcomes: readonly Outcome[];
  /** In order of their bounds; the last one is infinite. */
  readonly buckets: readonly Bucket[];
  /** Of TCP. */
  readonly connections: number;
  readonly bytes: number;
}

/** Flags that mean that the caller went away or was refused by a rule, as the proxy's own telemetry has it. */
const NOT_FAILURES: ReadonlySet<string> = new Set(['', 'DC', 'RL', 'UAEX', 'NR', 'DPE', 'SI', 'DI']);

export function isFailure({ status, flag }: Pick<Outcome, 'status' | 'flag'>): boolean {
  return status >= 500 || (status === 0 && !NOT_FAILURES.has(flag));
}

export function requestsOf(edge: Pick<EdgeTotals, 'outcomes'>): number {
  return edge.outcomes.reduce((sum, outcome) => sum + outcome.count, 0);
}

export function failuresOf(edge: Pick<EdgeTotals, 'outcomes'>): number {
  return edge.outcomes.reduce((sum, outcome) => sum + (isFailure(outcome) ? outcome.count : 0), 0);
}

export function edgeKey({ direction, source, destination, mtls }: EdgeName): string {
  return JSON.stringify([direction, source, destination, mtls]);
}

interface Draft extends EdgeName {
  outcomes: Outcome[];
  connections: number;
  bytes: number;
}

/** Outcomes and flags are in the counters, the durations in the histograms. */
export function edgeTotals(samples: readonly Sample[], histograms: EdgeHistograms): EdgeTotals[] {
  const drafts = new Map<string, Draft>();
  for (const { name, labels, value } of samples) {
    const { direction, source, destination } = labels;
    if (direction !== 'inbound' && direction !== 'outbound') continue;
    if (source === undefined || destination === undefined) continue;
    const edge = { direction, source, destination, mtls: labels['mtls'] === 'yes' } as const;
    const key = edgeKey(edge);
    const draft: Draft = drafts.get(key) ?? { ...edge, outcomes: [], connections: 0, bytes: 0 };
    drafts.set(key, draft);
    if (name === 'weft_requests_total') {
      draft.outcomes.push({ status: Number(labels['code'] ?? 0), flag: labels['flag'] ?? '', count: value });
    } else if (name === 'weft_tcp_connections_total') draft.connections += value;
    else if (name === 'weft_tcp_bytes_total') draft.bytes += value;
  }
  const buckets = new Map(histograms.edges.map((edge) => [edgeKey(edge), bucketsOf(histograms.boundsMs, edge)]));
  return [...drafts.values()]
    .filter((draft) => draft.outcomes.length > 0 || draft.connections > 0)
    .map((draft) => ({ ...draft, buckets: buckets.get(edgeKey(draft)) ?? [] }));
}

function bucketsOf(boundsMs: readonly number[], edge: EdgeHistograms['edges'][number]): Bucket[] {
  if (edge.cumulative.length === 0) return [];
  const finite = boundsMs.map((atMostMs, index) => ({ atMostMs, count: edge.cumulative[index] ?? 0 }));
  return [...finite, { atMostMs: Number.POSITIVE_INFINITY, count: edge.requests }];
}

/** What happened from `before` to `after`. A proxy that started again counts from zero: then all of `after` is new. */
export function difference(after: EdgeTotals, before: EdgeTotals | undefined): EdgeTotals {
  if (before === undefined || requestsOf(after) < requestsOf(before) || after.connections < before.connections)
    return after;
  const outcomes = after.outcomes.map((outcome) => {
    const was = before.outcomes.find((each) => each.status === outcome.status && each.flag === outcome.flag);
    return { ...outcome, count: Math.max(0, outcome.count - (was?.count ?? 0)) };
  });
  const buckets = after.buckets.map((bucket, index) => ({
    atMostMs: bucket.atMostMs,
    count: Math.max(0, bucket.count - (before.buckets[index]?.count ?? 0)),
  }));
  const connections = after.connections - before.connections;
  return { ...after, outcomes, buckets, connections, bytes: Math.max(0, after.bytes - before.bytes) };
}

/** What reached an endpoint: answers that a proxy had to make itself went nowhere. */
export function carriedOf(edge: Pick<EdgeTotals, 'outcomes' | 'connections'>): number {
  return edge.outcomes.reduce((sum, outcome) => sum + (outcome.flag === '' ? outcome.count : 0), edge.connections);
}

/** Both kinds of hop of one arrow together. */
export interface Arrow extends Omit<EdgeTotals, 'mtls'> {
  /** Requests and TCP connections that reached an endpoint. */
  readonly carried: number;
  /** Those of them with mTLS. */
  readonly secure: number;
}

export function arrowsOf(edges: readonly EdgeTotals[]): Arrow[] {
  const secure = new Map<string, number>();
  const keyOf = (edge: EdgeTotals) => edgeKey({ ...edge, mtls: true });
  for (const edge of edges) if (edge.mtls) secure.set(keyOf(edge), (secure.get(keyOf(edge)) ?? 0) + carriedOf(edge));
  return merged(edges.map((edge) => ({ ...edge, mtls: true }))).map((edge) => ({
    ...edge,
    carried: carriedOf(edge),
    secure: secure.get(keyOf(edge)) ?? 0,
  }));
}

/** One edge from the views of several proxies of one service. */
export function merged(edges: readonly EdgeTotals[]): EdgeTotals[] {
  const found = new Map<string, EdgeTotals>();
  for (const edge of edges) {
    const key = edgeKey(edge);
    const known = found.get(key);
    found.set(key, known === undefined ? edge : sum(known, edge));
  }
  return [...found.values()];
}

function sum(a: EdgeTotals, b: EdgeTotals): EdgeTotals {
  const outcomes = [...a.outcomes];
  for (const outcome of b.outcomes) {
    const at = outcomes.findIndex((each) => each.status === outcome.status && each.flag === outcome.flag);
    const known = outcomes[at];
    if (known === undefined) outcomes.push(outcome);
    else outcomes[at] = { ...known, count: known.count + outcome.count };
  }
  const [longer, shorter] = a.buckets.length >= b.buckets.length ? [a.buckets, b.buckets] : [b.buckets, a.buckets];
  const buckets = longer.map((bucket, index) => ({ ...bucket, count: bucket.count + (shorter[index]?.count ?? 0) }));
  return { ...a, outcomes, buckets, connections: a.connections + b.connections, bytes: a.bytes + b.bytes };
}
