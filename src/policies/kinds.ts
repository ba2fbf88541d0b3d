/** The complete registry of kinds. It stands here because `api/` may not know the policies. */
import { resourceKinds } from '../api/kinds/all.ts';
import { KindRegistry } from '../api/registry.ts';
import { policyKinds } from './all.ts';

export const meshKinds = new KindRegistry([...resourceKinds, ...policyKinds]);
