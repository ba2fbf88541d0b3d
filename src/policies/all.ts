/** Every policy kind. The order is the order of their HTTP filters in a listener. */
import type { Kind } from '../api/kind.ts';
import { peerAuthenticationKind } from './peer-authentication/kind.ts';

export const policyKinds: readonly Kind[] = [peerAuthenticationKind];
