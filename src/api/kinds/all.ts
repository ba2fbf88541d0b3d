/** The kinds that are not policies, in the order in which lists show them. Policies have a list of their own. */
import type { Kind } from '../kind.ts';
import { httpRouteKind } from './http-route.ts';
import { meshKind } from './mesh.ts';
import { namespaceKind } from './namespace.ts';
import { serviceKind } from './service.ts';
import { tcpRouteKind } from './tcp-route.ts';
import { workloadKind } from './workload.ts';

export const resourceKinds: readonly Kind[] = [
  namespaceKind,
  serviceKind,
  workloadKind,
  httpRouteKind,
  tcpRouteKind,
  meshKind,
];
