/** Every filter of the proxy: a new one is one line here. By the type URL of its configuration. */
import type { AnyFilterModule } from '../http/filter.ts';
import { dynamicForwardProxy } from './dynamic-forward-proxy/dynamic-forward-proxy.ts';
import { fault } from './fault/fault.ts';
import { networkRbac } from './rbac/network-rbac.ts';
import { rbac, rbacPerRoute } from './rbac/rbac.ts';
import { router } from './router/router.ts';

const ALL: readonly AnyFilterModule[] = [dynamicForwardProxy, fault, networkRbac, rbac, rbacPerRoute, router];

export const FILTER_MODULES: ReadonlyMap<string, AnyFilterModule> = new Map(
  ALL.flatMap((module) => module.types.map((type) => [type, module] as const)),
);
