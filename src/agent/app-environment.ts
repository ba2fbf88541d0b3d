/** The environment that the application gets: the user's own, with its traffic led through the sidecar. Pure. */
import type { Log } from '../core/log.ts';
import { proxyEnvironment } from '../capture/proxy-environment.ts';
import { type NamedVip, serviceVariables } from '../capture/service-variables.ts';

export interface AppEnvironmentOptions {
  readonly inherited: Readonly<Record<string, string | undefined>>;
  readonly namespace: string;
  readonly httpProxyPort: number;
  readonly vips: readonly NamedVip[];
  /** Absolute path of `src/capture/node-preload.cjs` or its copy beside the bundle; null: none. */
  readonly nodePreloadPath: string | null;
  readonly log: Log;
}

export function appEnvironment(options: AppEnvironmentOptions): Readonly<Record<string, string | undefined>> {
  const { inherited, namespace, httpProxyPort, vips, nodePreloadPath, log } = options;
  const services = [...new Set(vips.filter((vip) => vip.namespace === namespace).map((vip) => vip.service))];
  const vipAddresses = vips.map((vip) => vip.address);
  const { variables, warnings } = proxyEnvironment({
    httpProxyPort,
    inherited,
    nodePreloadPath,
    services,
    vipAddresses,
  });
  for (const warning of warnings) log.warn(warning);
  return { ...inherited, ...variables, ...serviceVariables(vips, namespace) };
}
