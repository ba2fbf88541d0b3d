/** What routes are generated for: one port of a Service, as callers of one namespace see it, in one version of HTTP. */
import { type HttpVersion, routesName, type ServicePortKey } from '../names.ts';

export interface CallerPortKey extends ServicePortKey {
  /** The namespace of the callers. */
  readonly caller: string;
}

export interface HttpRoutesKey extends CallerPortKey {
  /** Of the application, where the port of a backend does not declare another. */
  readonly version: HttpVersion;
}

export function routesKeyText(key: HttpRoutesKey): string {
  return `${routesName(key, key.version)} for ${key.caller}`;
}
