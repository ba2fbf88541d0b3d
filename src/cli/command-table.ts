/** Every command by name. A module is loaded only when its command runs, so that a sidecar carries no schema or YAML. */
import type { CommandEntry } from './command.ts';
import { RUN } from './commands/run-entry.ts';

const MESH = 'Mesh:';
const RESOURCES = 'Resources:';
const INSIGHT = 'Insight:';
const OTHER = 'Other:';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'dev',
    group: MESH,
    summary: 'run all services of a weft.yaml as a mesh',
    load: () => import('./commands/dev.ts'),
  },
  { name: 'up', group: MESH, summary: 'run a control plane', load: () => import('./commands/up.ts') },
  RUN,
  {
    name: 'bootstrap',
    group: MESH,
    summary: 'the file with which another data plane finds its agent',
    load: () => import('./commands/bootstrap.ts'),
  },
  {
    name: 'proxy',
    group: MESH,
    summary: 'run the data plane alone, under an Envoy bootstrap file',
    load: () => import('./commands/proxy.ts'),
  },
  {
    name: 'token',
    group: MESH,
    summary: 'tokens with which workloads join from elsewhere',
    load: () => import('./commands/token.ts'),
  },
  {
    name: 'apply',
    group: RESOURCES,
    summary: 'create or change resources from files, all or none',
    load: () => import('./commands/apply.ts'),
  },
  { name: 'get', group: RESOURCES, summary: 'list resources', load: () => import('./commands/get.ts') },
  {
    name: 'describe',
    group: RESOURCES,
    summary: 'show one resource and what follows from it',
    load: () => import('./commands/describe.ts'),
  },
  { name: 'delete', group: RESOURCES, summary: 'delete resources', load: () => import('./commands/delete.ts') },
  {
    name: 'status',
    group: INSIGHT,
    summary: 'control plane, proxies, workloads and certificates',
    load: () => import('./commands/status.ts'),
  },
  {
    name: 'proxy-status',
    group: INSIGHT,
    summary: 'whether each proxy has what it should have, by type of resource',
    load: () => import('./commands/proxy-status.ts'),
  },
  {
    name: 'proxy-config',
    group: INSIGHT,
    summary: 'what a proxy runs on, and where each line of it was written',
    load: () => import('./commands/proxy-config.ts'),
  },
  {
    name: 'diff',
    group: INSIGHT,
    summary: 'what a proxy has against what it should have',
    load: () => import('./commands/diff.ts'),
  },
  {
    name: 'top',
    group: INSIGHT,
    summary: 'live traffic: who calls whom, how much, how well',
    load: () => import('./commands/top.ts'),
  },
  {
    name: 'explain',
    group: INSIGHT,
    summary: 'where a request of a workload goes, and why',
    load: () => import('./commands/explain.ts'),
  },
  {
    name: 'check',
    group: INSIGHT,
    summary: 'find what is wrong, before and after installation',
    load: () => import('./commands/check.ts'),
  },
  {
    name: 'completion',
    group: OTHER,
    summary: 'completion script for bash, zsh or fish',
    load: () => import('./commands/completion.ts'),
  },
  {
    name: 'version',
    group: OTHER,
    summary: 'version of this program and of the control plane',
    load: () => import('./commands/version.ts'),
  },
];
