/** A command line as the question that `snapshot/explain.ts` answers: which request, on which listener of the proxy. */
import { HTTP_PROXY_LISTENER, outboundName } from '../../control/generate/names.ts';
import { FieldName } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import { isToken } from '../../http/token.ts';
import type { Question } from '../../snapshot/explain.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { UsageError } from '../exit-codes.ts';

const EXAMPLE = 'For example: weft explain --from web-1 http://catalog/products';

export interface AskedRequest {
  readonly url: string;
  readonly method: string;
  /** `name: value` */
  readonly headers: readonly string[];
  /** Of the caller: where a name without one is looked for. */
  readonly namespace: string;
}

export interface Asked {
  readonly listener: string;
  /** null: a TCP connection. */
  readonly head: Head | null;
}

/**
 * http://HOST[:PORT]/PATH goes to the proxy for HTTP, tcp://SERVICE:PORT to the listener of that port. Throws a UsageError
 * for what is neither.
 */
export function readAsked({ url, method, headers, namespace }: AskedRequest): Asked {
  const target = URL.canParse(url) ? new URL(url) : null;
  if (target?.protocol === 'tcp:' && target.port !== '') {
    const [service = '', own = namespace] = target.hostname.split('.');
    return { listener: outboundName({ namespace: own, service, port: Number(target.port) }), head: null };
  }
  if (target?.protocol !== 'http:') throw new UsageError(`${url} is not http://HOST/PATH or tcp://HOST:PORT`, EXAMPLE);
  const head = Head.request(method.toUpperCase(), `${target.pathname}${target.search}`, target.host);
  for (const header of headers) addHeader(head, header);
  return { listener: HTTP_PROXY_LISTENER, head };
}

function addHeader(head: Head, text: string): void {
  const colon = text.indexOf(':');
  const [name, value] = [text.slice(0, colon).trim(), text.slice(colon + 1).trim()];
  if (colon < 1 || !isToken(name) || !/^[\t\x20-\x7e]*$/.test(value)) {
    throw new UsageError(`--header ${text} is not NAME: VALUE`, "For example: --header 'x-user: ann'");
  }
  head.appendText(new FieldName(name), value);
}

/** As the application beside the proxy asks it. */
export function questionOf({ listener, head }: Asked, snapshot: Snapshot): Question {
  const address = snapshot.listeners.get(listener)?.address ?? { host: '127.0.0.1', port: 0 };
  return {
    listener,
    connection: {
      destinationHost: address.host,
      destinationPort: address.port,
      sourceHost: '127.0.0.1',
      sourcePort: 0,
      directSourceHost: '127.0.0.1',
      serverName: '',
      transport: 'raw_buffer',
      protocols: head === null ? [] : ['http/1.1'],
    },
    head,
    facts: {
      peerUris: [],
      remoteHost: '127.0.0.1',
      destinationHost: address.host,
      destinationPort: address.port,
      serverName: '',
    },
    random01: 0,
  };
}
