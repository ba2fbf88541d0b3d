/**
 * What an access log costs a request, in nanoseconds: `node bench/micro/access-log.ts`.
 *
 * Method: one process, no disk. Lines of one exchange are made and put into the buffer of a file that takes everything at
 * once. Cases take turns, 60 rounds of 20,000 lines each after a warm-up. The fastest is reported, because all noise is
 * upwards, and the median beside it; and the bytes that a line allocates, by what the heap grew in rounds without a collection.
 */
import { Counters } from '../../src/core/counters.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Files } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { AccessLog, type EndedRecord } from '../../src/proxy/telemetry/access-log.ts';
import { LogBuffer } from '../../src/proxy/telemetry/log-buffer.ts';
import { LogFiles } from '../../src/proxy/telemetry/log-files.ts';
import { Telemetry } from '../../src/proxy/telemetry/telemetry.ts';
import { nodeClock } from '../../src/runtime/node/clock.ts';
import type { AccessLogConfig } from '../../src/snapshot/access-log-config.ts';
import { compileJson } from '../../src/snapshot/format/json-format.ts';
import { REACH, sampleFacts } from '../../src/snapshot/format/sample-facts.ts';
import { compileText } from '../../src/snapshot/format/text-format.ts';
import { DEFAULT_FORMAT } from '../../src/snapshot/read/access-log.ts';

const ROUNDS = 60;
const WARM_UP = 15;
const LINES = 20_000;

const JSON_FORMAT = {
  time: '%START_TIME%',
  route: '%ROUTE_NAME%',
  status: '%RESPONSE_CODE%',
  flag: '%RESPONSE_FLAGS%',
  durationMs: '%DURATION%',
  bytesIn: '%BYTES_RECEIVED%',
  bytesOut: '%BYTES_SENT%',
  method: '%REQ(:METHOD)%',
  authority: '%REQ(:AUTHORITY)%',
  path: '%REQ(:PATH)%',
  traceId: '%TRACE_ID%',
  upstream: '%UPSTREAM_HOST%',
};

const facts = sampleFacts();
const owner = { facts: () => facts };
const files = { append: () => Promise.resolve() } as unknown as Files; // nothing else of it is asked
const timers = new TimerWheel(nodeClock);
const dropped = new Counters().counter('dropped');
const logFiles = new LogFiles(files, timers, dropped, silentLog);
const own = new AccessLog(new LogBuffer(files, '/own', timers, dropped, silentLog, 0o600), nodeClock);
const edge = new Telemetry('web.shop').edge('outbound', 'web.shop', 'app.shop', true);
const record: EndedRecord = {
  ...{ request: facts.request, status: 200, flag: '', detail: '', startedAt: nodeClock.now(), durationMs: 12.9 },
  ...{ routeName: 'route', upstream: '10.0.0.1:80', bytesIn: 5, bytesOut: 7, retries: 0, grpcStatus: -1 },
};

const log = (line: AccessLogConfig['line'], filter: AccessLogConfig['filter'] = null): readonly AccessLogConfig[] => [
  { path: '/log', line, filter },
];
const text = log(compileText('', DEFAULT_FORMAT, '-', REACH));

const CASES: Readonly<Record<string, () => void>> = {
  'Weft’s own line': () => own.write(record, edge),
  'Envoy’s default format': writing(text),
  'one operator': writing(log(compileText('', '%RESPONSE_CODE%\n', '-', REACH))),
  'json of 12 fields': writing(log(compileJson('', JSON_FORMAT, false, REACH))),
  'filtered out by status': writing(log(text[0]?.line ?? (() => ''), ({ status }) => status >= 500)),
};

function writing(logs: readonly AccessLogConfig[]): () => void {
  return () => logFiles.write(logs, owner);
}

const results = Object.entries(CASES).map(([name, run]) => ({
  name,
  run,
  times: [] as number[],
  bytes: [] as number[],
}));
for (let round = -WARM_UP; round < ROUNDS; round++) {
  for (const { run, times, bytes } of results) {
    const heap = process.memoryUsage().heapUsed;
    const start = performance.now();
    for (let i = 0; i < LINES; i++) {
      run();
      // What is full is taken away on a later turn.
      if (i % 200 === 0) await Promise.resolve();
    }
    const took = performance.now() - start;
    const grown = process.memoryUsage().heapUsed - heap;
    if (round < 0) continue;
    times.push((took * 1e6) / LINES);
    if (grown >= 0) bytes.push(grown / LINES);
  }
}
for (const { name, times, bytes } of results) {
  const [fastest, median] = [middle(times, 0), middle(times, 0.5)].map((ns) => ns.toFixed(0));
  console.log(`${name.padEnd(24)} ${fastest} (median ${median}) ns, ${middle(bytes, 0.5).toFixed(0)} bytes`);
}
console.log(`${dropped.value} of all lines were dropped`);
await Promise.all([own.close(), logFiles.close()]);

function middle(from: readonly number[], share: number): number {
  const sorted = from.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? 0;
}
