/** The labels of an endpoint in the form that formats read (`%UPSTREAM_METADATA(envoy.lb:…)%`). */
import type { ShownMetadata } from '../../snapshot/format/facts.ts';
import type { JsonObject } from '../../xds/wire/json.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';

const NAMESPACE = 'envoy.lb';

export function hostMetadata(host: UpstreamHost | null): ShownMetadata | undefined {
  return host === null ? undefined : new Map([[NAMESPACE, host.endpoint.labels as JsonObject]]); // read from a Struct
}
