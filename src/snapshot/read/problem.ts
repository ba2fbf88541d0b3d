/** Refusals of configuration are the same for every reader of xDS: those of filters use them too. */
export { invalid, refuseSet, unsupported, within } from '../../xds/problem.ts';
