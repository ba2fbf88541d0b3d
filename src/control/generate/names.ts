/**
 * The names of generated xDS resources. They say what a thing is to a person who reads a config dump, and everything
 * that refers to a resource builds its name here.
 */

/** One port of one Service. */
export interface ServicePortKey {
  readonly namespace: string;
  readonly service: string;
  readonly port: number;
}

/** What the application behind a cluster speaks: HTTP/1.1, or HTTP/2 by prior knowledge (gRPC). */
export type HttpVersion = 'http' | 'http2';

/** What a cluster carries: decides the ALPN of the hop between sidecars. */
export type Carries = HttpVersion | 'tcp';

/** The port that a URL without one means. */
export const HTTP_PORT = 80;

export const OUTBOUND_ROUTES = 'outbound';
export const HTTP_PROXY_LISTENER = 'outbound|http-proxy';
export const PASSTHROUGH_HTTP = 'passthrough-http';
export const PASSTHROUGH_TCP = 'passthrough-tcp';
/** A share of traffic whose backend cannot be resolved goes to this cluster, which never exists. */
export const INVALID_BACKEND = 'invalid-backend';
export const TRUST_BUNDLE = 'trust-bundle';
/** The workload's own SVID; the agent beside the proxy binds the name, it never comes over xDS. */
export const OWN_CERTIFICATE = 'default';
/** In the bootstrap of a proxy that is not ours: where the agent serves that certificate. */
export const AGENT_CLUSTER = 'weft-agent';
/** There too: where it reports spans. */
export const TRACES_CLUSTER = 'weft-traces';

export function hostOf(key: ServicePortKey): string {
  return `${key.service}.${key.namespace}`;
}

export function clusterName(carries: Carries, key: ServicePortKey): string {
  return `${carries}|${key.port}|${hostOf(key)}`;
}

const SERVICE_CLUSTER = /^(?:http|http2|tcp|connect)\|\d{1,5}\|([^.|]+)\.([^.|]+)$/;

/** `<namespace>/<service>` of the cluster of a Service's port; null: of something else. */
export function serviceOfCluster(name: string): string | null {
  const [, service, namespace] = SERVICE_CLUSTER.exec(name) ?? [];
  return service === undefined || namespace === undefined ? null : `${namespace}/${service}`;
}

export function endpointsName(key: ServicePortKey): string {
  return `${key.port}|${hostOf(key)}`;
}

/** The cluster of a CONNECT to a mesh name: leads to the internal listener of that port. */
export function connectName(key: ServicePortKey): string {
  return `connect|${key.port}|${hostOf(key)}`;
}

export function isTunnel(cluster: string): boolean {
  return cluster.startsWith('connect|');
}

/** The internal listener of a service's port. */
export function outboundName(key: ServicePortKey): string {
  return `outbound|${key.port}|${hostOf(key)}`;
}

/** The way back; null: another name. */
export function keyOfOutbound(name: string): ServicePortKey | null {
  const [, port, service, namespace] = /^outbound\|(\d{1,5})\|([^.|]+)\.([^.|]+)$/.exec(name) ?? [];
  if (port === undefined || service === undefined || namespace === undefined) return null;
  return { namespace, service, port: Number(port) };
}

/** The routes of a service's port: those to applications that speak HTTP/2 stand beside those to the others. */
export function routesName(key: ServicePortKey, version: HttpVersion): string {
  return `${outboundName(key)}${ofVersion(version)}`;
}

export function vipListenerName(key: ServicePortKey): string {
  return `${outboundName(key)}|vip`;
}

/** The inbound listener of a port, and the clusters of the application behind it. */
export function inboundName(appPort: number, version: HttpVersion = 'http'): string {
  return `inbound|${appPort}${ofVersion(version)}`;
}

function ofVersion(version: HttpVersion): string {
  return version === 'http2' ? '|h2' : '';
}

/** A name within those of Envoy's metrics, which are cut at dots. */
export function statName(name: string): string {
  return name.replaceAll('.', '_');
}

export function serverName(key: ServicePortKey, trustDomain: string): string {
  return `${hostOf(key)}.mesh.${trustDomain}`;
}

/** As memo key, and back. */
export function portKeyText(key: ServicePortKey): string {
  return `${key.namespace}/${key.service}:${key.port}`;
}

export interface ClusterKey extends ServicePortKey {
  readonly carries: Carries | 'connect';
  /** Of HTTP: some of its endpoints have no proxy, and the caller's speaks to all of a cluster alike. */
  readonly hop?: 'http1';
}

export interface NamedTarget {
  readonly direction: 'inbound' | 'outbound';
  /** The application's own, or the Service's; null: it is for more than one. */
  readonly port: number | null;
  /** `namespace/service`; null: inbound, or for more than one. */
  readonly service: string | null;
}

/** What a listener, its routes or a cluster is for, out of the name that was built here. */
export function targetOfName(name: string): NamedTarget {
  const inbound = /^inbound\|(\d+)/.exec(name);
  if (inbound !== null) return { direction: 'inbound', port: Number(inbound[1]), service: null };
  const [, port, service, namespace] = /^[a-z0-9]+\|(\d+)\|([^.|]+)\.([^|]+)/.exec(name) ?? [];
  if (port === undefined) return { direction: 'outbound', port: null, service: null };
  return { direction: 'outbound', port: Number(port), service: `${namespace}/${service}` };
}
