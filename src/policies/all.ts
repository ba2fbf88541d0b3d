/** Every policy kind. The order is the order of their HTTP filters in a listener, and in which they change a message. */
import { authorizationKind } from './authorization/policy.ts';
import { backendTrafficKind } from './backend-traffic/policy.ts';
import { faultInjectionKind } from './fault-injection/policy.ts';
import { peerAuthenticationKind } from './peer-authentication/kind.ts';
import type { PolicyKind } from './policy-kind.ts';
import { xdsPatchKind } from './xds-patch/policy.ts';

export const policyKinds: readonly PolicyKind[] = [
  peerAuthenticationKind,
  authorizationKind,
  faultInjectionKind,
  backendTrafficKind,
  xdsPatchKind,
];
