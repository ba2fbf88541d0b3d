/**
 * Who calls the API. Authentication makes a User out of a credential; authorization and handlers read nothing else of it.
 */

/** The operator: whoever holds the token of the state directory. */
export interface AdminUser {
  readonly role: 'admin';
}

/** A workload that showed an SVID of this mesh. */
export interface WorkloadUser {
  readonly role: 'workload';
  /** `spiffe://<trust domain>/ns/<namespace>/sa/<account>`, the SVID's only URI SAN. */
  readonly spiffeId: string;
  readonly namespace: string;
  readonly account: string;
  /** The name of its Workload object in `namespace`, from the subject CN `<namespace>/<workload>`. */
  readonly workload: string;
}

export type User = AdminUser | WorkloadUser;

/** The name that stands in logs and messages. */
export function userText(user: User | null): string {
  if (user === null) return 'anonymous';
  return user.role === 'admin' ? 'admin' : `workload ${user.namespace}/${user.workload} (${user.spiffeId})`;
}
