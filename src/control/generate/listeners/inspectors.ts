/** The listener filters that look at a connection's first bytes, and how long they may wait for them. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpInspectorSchema } from '../../../protos/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.ts';
import { TlsInspectorSchema } from '../../../protos/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.ts';
import { durationOf, pack } from '../../../protos/init.ts';

/** A server that speaks first must not stall: after this the connection counts as plain TCP. */
const SILENCE_MS = 100;

/** What the HTTP inspector calls what it saw, for filter chain matches. */
export const HTTP1_BYTES = ['http/1.0', 'http/1.1'];
export const HTTP2_BYTES = ['h2c'];

type Inspection = Pick<
  MessageInitShape<typeof ListenerSchema>,
  'listenerFilters' | 'listenerFiltersTimeout' | 'continueOnListenerFiltersTimeout'
>;

export function inspectAll(): Inspection {
  return {
    listenerFilters: [tlsInspector(), httpInspector()],
    listenerFiltersTimeout: durationOf(SILENCE_MS),
    continueOnListenerFiltersTimeout: true,
  };
}

/** Every client of this port speaks TLS first: one that stays silent for long is dropped. */
export function inspectTls(): Inspection {
  return {
    listenerFilters: [tlsInspector()],
    listenerFiltersTimeout: durationOf(10_000),
    continueOnListenerFiltersTimeout: false,
  };
}

function tlsInspector() {
  return {
    name: 'envoy.filters.listener.tls_inspector',
    configType: { case: 'typedConfig' as const, value: pack(TlsInspectorSchema, {}) },
  };
}

function httpInspector() {
  return {
    name: 'envoy.filters.listener.http_inspector',
    configType: { case: 'typedConfig' as const, value: pack(HttpInspectorSchema, {}) },
  };
}
