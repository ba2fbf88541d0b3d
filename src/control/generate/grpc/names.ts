/**
 * The names of what proxyless gRPC programs get. A client names a listener by what stands in its target: every way in
 * which a caller may write a port of a Service is one.
 */
import { hostOf, type ServicePortKey } from '../names.ts';
import { domainsOf } from '../routes/route-configs.ts';

/** The cluster of a port, its assignment and its routes: one each, so they share the name. */
export function grpcName(key: ServicePortKey): string {
  return `grpc|${key.port}|${hostOf(key)}`;
}

/** `xds:///NAME`; `only`: the Service has no other port, so that it may be left out. */
export function targetNames(key: ServicePortKey, caller: string, only: boolean): readonly string[] {
  const names = domainsOf(key, caller);
  if (!only) return names;
  return [...new Set(names.flatMap((name) => [name.replace(/:\d+$/, ''), name]))];
}
