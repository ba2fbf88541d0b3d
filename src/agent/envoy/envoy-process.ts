/** Envoy as a child process: its words in our log, its access log where it was asked for, and its end. */
import { spawn, type StdioOptions } from 'node:child_process';
import type { Log } from '../../core/log.ts';
import type { Clock } from '../../core/runtime.ts';
import { signalGroup } from '../app-process.ts';
import { readLines } from '../child-lines.ts';
import { within } from '../pause.ts';

const STOP_WAIT_MS = 3_000;
const LOG_FORMAT = '%l\t%n\t%v';

export interface EnvoyOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Of the program. */
  readonly file: string;
  readonly bootstrapPath: string;
  /** Where lines of requests go: an open file, our own output, or nowhere. */
  readonly requestLog: number | 'inherit' | 'ignore';
  readonly logLevel: 'warning' | 'info';
  /** `web.shop`: who writes the lines of requests. */
  readonly service: string;
}

export interface EnvoyProcess {
  readonly pid: number;
  /** Why it ended, in words. */
  readonly exited: Promise<string>;
  /** Resolves when it is gone. */
  stop(): Promise<void>;
}

/** Rejects when the program cannot be started. */
export async function launchEnvoy(options: EnvoyOptions): Promise<EnvoyProcess> {
  const { clock, log, file, requestLog } = options;
  const stdio: StdioOptions = ['ignore', requestLog, 'pipe'];
  const { PATH, HOME } = process.env;
  // Of its own group: the terminal's Ctrl-C is the agent's to pass on. No variable of ours is its business.
  const child = spawn(file, argumentsOf(options), {
    env: { PATH, HOME, WEFT_SERVICE: options.service },
    stdio,
    detached: true,
  });
  let last = '';
  let isStopping = false;
  // What it says of a stop that we asked for is no trouble of anybody's.
  const tell = teller(log, () => isStopping);
  const flushed = readLines(child.stderr, (line) => {
    last = line.slice(line.lastIndexOf('\t') + 1) || last;
    tell(line);
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', reject);
  });
  const pid = child.pid ?? 0;
  const kill = (): void => signalGroup(pid, 'SIGKILL');
  process.once('exit', kill);
  const exited = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => {
      process.off('exit', kill);
      const how = code === null ? `signal ${signal}` : `exit code ${code}`;
      void within(clock, 500, flushed, () => undefined).then(() => resolve(last === '' ? how : `${how}: ${last}`));
    });
  });
  return {
    pid,
    exited,
    async stop() {
      isStopping = true;
      signalGroup(pid, 'SIGTERM');
      const gone = await within(
        clock,
        STOP_WAIT_MS,
        exited.then(() => true),
        () => false,
      );
      if (gone) return;
      kill();
      await exited;
    },
  };
}

function argumentsOf({ bootstrapPath, logLevel }: EnvoyOptions): string[] {
  return [
    ...['--config-path', bootstrapPath],
    '--disable-hot-restart',
    // One thread, as our own proxy: limits and balancing are then those of the workload, not of each worker.
    ...['--concurrency', '1'],
    // A connection of a listener that changes or ends is closed with its next response, not at a random time.
    ...['--drain-strategy', 'immediate'],
    ...['--log-level', logLevel],
    ...['--log-format', LOG_FORMAT],
  ];
}

/** A message of several lines has its level in the first. */
function teller(log: Log, isQuiet: () => boolean): (line: string) => void {
  let level = '';
  let component = '';
  return (line) => {
    const [first = '', second = '', ...rest] = line.split('\t');
    if (rest.length > 0) [level, component] = [first, second];
    const fields = { component, said: rest.length > 0 ? rest.join('\t') : line };
    if (isQuiet()) log.debug('envoy', fields);
    else if (level === 'critical' || level === 'error') log.error('envoy', fields);
    else if (level === 'warning') log.warn('envoy', fields);
    else log.debug('envoy', fields);
  };
}
