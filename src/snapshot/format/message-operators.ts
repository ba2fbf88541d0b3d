/** Operators over the messages themselves: fields, paths, queries, and how gRPC ended. */
import { FieldName, REQUEST_ID, TRACEPARENT } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import { invalid, within } from '../../xds/problem.ts';
import type { Facts } from './facts.ts';
import { grpcStatusText } from './grpc-status-text.ts';
import type { Operator, OperatorKind, OperatorKinds } from './operator.ts';

const ORIGINAL_PATH = 'x-envoy-original-path';
const SERVICE_TIME = 'x-envoy-upstream-service-time';

/** `00-` 32 digits of the trace `-` … */
const TRACE_START = 3;
const TRACE_END = 35;

/** Longer parts of a query are no parameters that somebody logs. */
const MAX_QUERY_PARTS = 1_000;

export const MESSAGE_OPERATORS: OperatorKinds = {
  REQ: field(ofRequest),
  RESP: field(ofResponse),
  TRAILER: field(ofTrailers),
  PATH: { argument: 'optional', cut: false, make: path },
  QUERY_PARAM: { argument: 'required', cut: true, make: (_, name) => (facts) => queryParameter(facts, name) },
  QUERY_PARAMS: { argument: 'optional', cut: true, make: queries },
  STREAM_ID: { argument: 'none', cut: false, make: () => streamId },
  TRACE_ID: { argument: 'none', cut: false, make: () => traceId },
  GRPC_STATUS: { argument: 'optional', cut: false, make: grpcStatus },
  GRPC_STATUS_NUMBER: {
    argument: 'none',
    cut: false,
    make: () => (facts) => (facts.grpcStatus < 0 ? null : facts.grpcStatus),
  },
};

/** `NAME`, or `NAME?ANOTHER` for what stands in its place. */
function field(one: (name: string) => Operator): OperatorKind {
  return {
    argument: 'required',
    cut: true,
    make(where, argument) {
      const [name = '', other, ...more] = argument.split('?');
      if (name === '' || more.length > 0) throw invalid(where, `${JSON.stringify(argument)} is no name of a field`);
      const first = within(where, () => one(name.toLowerCase()));
      if (other === undefined) return first;
      const second = within(where, () => one(other.toLowerCase()));
      return (facts) => first(facts) ?? second(facts);
    },
  };
}

const REQUEST_PSEUDO: Readonly<Record<string, Operator>> = {
  ':method': ({ request }) => request?.methodText ?? null,
  ':path': ({ request }) => request?.pathText || null,
  ':authority': ({ request }) => request?.authorityText || null,
  host: ({ request }) => request?.authorityText || null,
  ':scheme': ({ request, connection }) =>
    request === null ? null : (request.scheme ?? (connection.tls === null ? 'http' : 'https')),
};

function ofRequest(text: string): Operator {
  const pseudo = REQUEST_PSEUDO[text];
  if (pseudo !== undefined) return pseudo;
  const name = new FieldName(text);
  if (text !== ORIGINAL_PATH) return (facts) => fieldText(facts.request, name);
  // Envoy's router writes it when a route rewrites the path; applications behind this one see no such field.
  return (facts) =>
    facts.request === null || facts.originalPath === facts.request.pathText
      ? fieldText(facts.request, name)
      : facts.originalPath;
}

function ofResponse(text: string): Operator {
  if (text === ':status') return ({ status }) => (status === 0 ? null : String(status));
  const name = new FieldName(text);
  if (text !== SERVICE_TIME) return (facts) => fieldText(facts.response, name);
  // Likewise: Envoy's router writes it into responses.
  return (facts) => fieldText(facts.response, name) ?? serviceTime(facts);
}

function serviceTime({ responseMs, requestMs }: Facts): string | null {
  if (responseMs < 0) return null;
  return String(Math.floor(Math.max(0, responseMs - Math.max(0, requestMs))));
}

function ofTrailers(text: string): Operator {
  const name = new FieldName(text);
  return (facts) => fieldText(facts.trailers, name);
}

/** The first of its name, as Envoy has it. */
function fieldText(head: Head | null, name: FieldName): string | null {
  return head === null ? null : head.value(name);
}

/** With or without its query; as it came, as it goes on, or as it came where that is known. */
function path(where: string, argument: string): Operator {
  const [query = 'WQ', which = 'ORIG_OR_PATH', ...more] = argument === '' ? [] : argument.split(':');
  const isKnown = /^(?:WQ|NQ)$/.test(query) && /^(?:ORIG|PATH|ORIG_OR_PATH)$/.test(which) && more.length === 0;
  if (!isKnown) throw invalid(where, `${JSON.stringify(argument)}: WQ or NQ, then ORIG, PATH or ORIG_OR_PATH`);
  const pick = pathPicker(which);
  if (query === 'WQ') return pick;
  return (facts) => {
    const text = pick(facts);
    const mark = text === null ? -1 : text.indexOf('?');
    return text === null || mark < 0 ? text : text.slice(0, mark);
  };
}

function pathPicker(which: string): (facts: Facts) => string | null {
  if (which === 'PATH') return (facts) => facts.request?.pathText || null;
  if (which === 'ORIG_OR_PATH') return (facts) => facts.originalPath || null;
  // Envoy knows it where a route has rewritten it, and nowhere else.
  return (facts) => (facts.originalPath === facts.request?.pathText ? null : facts.originalPath || null);
}

function queries(where: string, argument: string): Operator {
  const which = argument === '' ? 'ORIG_OR_PATH' : argument;
  if (!/^(?:ORIG|PATH|ORIG_OR_PATH)$/.test(which)) throw invalid(where, `${argument}: ORIG, PATH or ORIG_OR_PATH`);
  const pick = pathPicker(which);
  return (facts) => queryOf(pick(facts) ?? '') || null;
}

function queryOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : target.slice(mark + 1);
}

/** The first of that name, without its escapes. */
function queryParameter({ request }: Facts, name: string): string | null {
  const query = queryOf(request?.pathText ?? '');
  for (const part of query.split('&', MAX_QUERY_PARTS)) {
    const sign = part.indexOf('=');
    if (unescaped(sign < 0 ? part : part.slice(0, sign)) === name)
      return sign < 0 ? '' : unescaped(part.slice(sign + 1));
  }
  return null;
}

/** A control byte would begin a line, or a field, of the caller's own: it becomes a question mark. */
function unescaped(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (_, digits: string) => {
    const byte = Number.parseInt(digits, 16);
    return byte < 0x20 || byte === 0x7f ? '?' : String.fromCharCode(byte);
  });
}

/** Envoy makes one up for what is no request. */
function streamId(facts: Facts): string | null {
  return facts.request === null ? facts.uniqueId() : fieldText(facts.request, REQUEST_ID);
}

function traceId({ request }: Facts): string | null {
  const text = fieldText(request, TRACEPARENT);
  return text === null ? null : text.slice(TRACE_START, TRACE_END);
}

function grpcStatus(where: string, argument: string): Operator {
  const style = argument === '' ? 'CAMEL_STRING' : argument;
  if (style === 'NUMBER') return ({ grpcStatus: status }) => (status < 0 ? null : status);
  if (style !== 'CAMEL_STRING' && style !== 'SNAKE_STRING') {
    throw invalid(where, `${JSON.stringify(argument)}: CAMEL_STRING, SNAKE_STRING or NUMBER`);
  }
  return ({ grpcStatus: status }) => (status < 0 ? null : grpcStatusText(status, style));
}
