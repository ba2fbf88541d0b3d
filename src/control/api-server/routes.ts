/** The endpoints that other parts of the control plane mount, found by method and path. */
import { failure, METHOD_NOT_ALLOWED } from './status.ts';
import type { Route } from './handler.ts';

export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

export class RouteTable {
  readonly #routes: readonly { readonly route: Route; readonly pattern: readonly string[] }[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes.map((route) => ({ route, pattern: route.path.split('/').filter(Boolean) }));
  }

  /** null: no route has this path. Throws 405 when one has it with another method only. */
  find(method: string, segments: readonly string[]): RouteMatch | null {
    const methods: string[] = [];
    for (const { route, pattern } of this.#routes) {
      const params = match(pattern, segments);
      if (params === null) continue;
      if (route.method === method) return { route, params };
      methods.push(route.method);
    }
    if (methods.length === 0) return null;
    throw failure('unsupported', METHOD_NOT_ALLOWED, {
      what: `${method} is not allowed here`,
      hint: `Use ${methods.join(' or ')}`,
    });
  }
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? '';
    if (part.startsWith(':')) params[part.slice(1)] = segment;
    else if (part !== segment) return null;
  }
  return params;
}
