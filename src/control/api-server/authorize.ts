/** Who may do what: the whole table. The admin may do everything; a workload reads the mesh and writes about itself. */
import { WeftError } from '../../core/errors.ts';
import type { Access } from './handler.ts';
import { type User, userText } from './user.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

export interface Action {
  readonly verb: Verb;
  /** The `kind` of the resource. */
  readonly kind: string;
  /** null: all namespaces, or a kind without one. */
  readonly namespace: string | null;
  /** null: a collection, or a name that the server makes. */
  readonly name: string | null;
  readonly subresource: 'status' | null;
}

const READS: ReadonlySet<Verb> = new Set(['get', 'list', 'watch']);

/** Configuration without secrets: what a workload needs to find its peers. A new kind is closed until it stands here. */
const WORKLOADS_READ: ReadonlySet<string> = new Set([
  'HTTPRoute',
  'Mesh',
  'Namespace',
  'PeerAuthentication',
  'Service',
  'TCPRoute',
  'Workload',
]);

/** Returns for what is allowed; throws `unauthenticated` or `forbidden`, which says who may. */
export function authorize(user: User | null, action: Action): User {
  if (user === null) throw unauthenticated();
  if (user.role === 'admin') return user;
  if (READS.has(action.verb)) {
    if (WORKLOADS_READ.has(action.kind)) return user;
    throw forbidden(user, action, 'the admin');
  }
  if (action.kind === 'Workload' && action.subresource === null) {
    const own = action.namespace === user.namespace && action.name === user.workload;
    if (own && action.verb !== 'deletecollection') return user;
    throw forbidden(user, action, `the workload ${action.namespace}/${action.name ?? ''} itself and the admin`);
  }
  // Which Service, the registration rule decides: it knows the service that the join token allowed.
  const registers = action.verb === 'create' && action.kind === 'Service' && action.namespace === user.namespace;
  if (registers) return user;
  throw forbidden(user, action, 'the admin');
}

/** The same for mounted routes. `own` is the workload that the path names. */
export function authorizeRoute(
  user: User | null,
  access: Access,
  own: { readonly namespace: string | undefined; readonly name: string | undefined },
): void {
  if (access === 'public') return;
  if (user === null) throw unauthenticated();
  if (user.role === 'admin') {
    if (access !== 'workload') return;
    throw new WeftError('forbidden', { what: 'only a workload with an SVID may do this, and the caller is the admin' });
  }
  if (access === 'authenticated' || access === 'workload') return;
  if (access === 'own-workload' && own.namespace === user.namespace && own.name === user.workload) return;
  const who = access === 'admin' ? 'the admin' : `the workload ${own.namespace}/${own.name} itself and the admin`;
  throw new WeftError('forbidden', { what: `${userText(user)} may not do this`, hint: `Only ${who} may` });
}

export function unauthenticated(why = 'the request has no credential'): WeftError {
  return new WeftError('unauthenticated', {
    what: why,
    hint: "Use the token of the control plane's state directory (admin.json) or a workload's SVID",
  });
}

function forbidden(user: User, action: Action, who: string): WeftError {
  const object = [action.kind, action.namespace, action.name].filter((part) => part !== null && part !== '').join('/');
  const status = action.subresource === null ? '' : ' (status)';
  return new WeftError('forbidden', {
    what: `${userText(user)} may not ${action.verb} ${object}${status}`,
    hint: `Only ${who} may`,
  });
}
