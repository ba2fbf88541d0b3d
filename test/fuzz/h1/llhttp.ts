/** Node's own parser (llhttp, strict), driven directly: the independent reader of everything that we accept or write. */
import { createRequire } from 'node:module';

interface NodeParser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(bytes: Buffer, start: number, end: number): number | Error | undefined;
  finish(): Error | undefined;
  [callback: number]: (...args: never[]) => unknown;
}
interface NodeParserClass {
  new (): NodeParser;
  readonly REQUEST: number;
  readonly RESPONSE: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

// Public in all but its types: `_http_common` is how Node's own http modules reach it.
const { HTTPParser, methods } = createRequire(import.meta.url)('_http_common') as {
  HTTPParser: NodeParserClass;
  methods: readonly string[];
};

export const KNOWN_METHODS: ReadonlySet<string> = new Set(methods);

export interface LlhttpMessage {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  /** Name, value, name, value…, trailers not included. */
  readonly fields: readonly string[];
  readonly upgrade: boolean;
  trailers: string[];
  body: string;
  complete: boolean;
}

export interface LlhttpReading {
  readonly messages: readonly LlhttpMessage[];
  /** llhttp's code; empty: nothing was refused. */
  readonly refusal: string;
}

/** Reads to the end of the bytes, or to the first upgrade. `noContent`: responses are to HEAD. `fin`: the connection ends. */
export function llhttpReads(
  kind: 'request' | 'response',
  bytes: Buffer,
  noContent: boolean,
  fin: boolean,
): LlhttpReading {
  const parser = new HTTPParser();
  parser.initialize(kind === 'request' ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 1 << 20, 0);
  const messages: LlhttpMessage[] = [];
  // Node hands fields over 32 at a time; what comes after the head is complete are trailers.
  let early: string[] = [];
  let earlyUrl = '';
  let current: LlhttpMessage | null = null;
  parser[HTTPParser.kOnHeaders] = (fields: string[], url: string): void => {
    if (current !== null) current.trailers.push(...fields);
    else {
      early.push(...fields);
      earlyUrl += url;
    }
  };
  parser[HTTPParser.kOnHeadersComplete] = (...args: unknown[]): number => {
    const [, , fields, method, url, status, , upgrade] = args;
    current = {
      method: methods[method as number] ?? '',
      url: earlyUrl + ((url as string | undefined) ?? ''),
      status: (status as number | undefined) ?? 0,
      fields: [...early, ...((fields as string[] | undefined) ?? [])],
      upgrade: upgrade === true,
      trailers: [],
      body: '',
      complete: false,
    };
    early = [];
    earlyUrl = '';
    messages.push(current);
    return noContent && kind === 'response' ? 1 : 0;
  };
  parser[HTTPParser.kOnBody] = (part: Buffer): void => {
    if (current !== null) current.body += part.toString('latin1');
  };
  parser[HTTPParser.kOnMessageComplete] = (): void => {
    if (current !== null) current.complete = true;
    current = null;
  };
  const read = parser.execute(bytes, 0, bytes.length);
  let refusal = read instanceof Error ? codeOf(read) : '';
  const end = refusal === '' && fin ? parser.finish() : undefined;
  if (end instanceof Error) refusal = codeOf(end);
  return { messages, refusal };
}

/** `HPE_…` */
function codeOf(error: Error): string {
  return (error as Error & { code?: string }).code ?? error.message;
}
