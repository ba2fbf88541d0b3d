/** `weft run` in the table of commands; apart, because a sidecar has no other. */
import type { CommandEntry } from '../command.ts';

export const RUN: CommandEntry = {
  name: 'run',
  group: 'Mesh:',
  summary: 'run a service under a sidecar',
  load: () => import('./run.ts'),
};
