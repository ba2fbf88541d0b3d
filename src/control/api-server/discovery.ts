/** The documents by which clients find out what a server serves: `/version`, `/api`, `/apis` and below. */
import { type Kind } from '../../api/kind.ts';
import type { GroupVersion, KindRegistry } from '../../api/registry.ts';

/** The Kubernetes version whose API conventions hold here; kubectl compares it with its own. */
const COMPATIBLE = { major: '1', minor: '34' } as const;

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

export function versionDocument(version: string): Record<string, unknown> {
  return {
    ...COMPATIBLE,
    gitVersion: `v${COMPATIBLE.major}.${COMPATIBLE.minor}.0+weft-${version}`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: `node-${process.versions.node}`,
    platform: `${process.platform}/${process.arch}`,
  };
}

/** The document at a path of segments, or null when the path is not one of discovery. */
export function discoveryDocument(kinds: KindRegistry, segments: readonly string[]): Record<string, unknown> | null {
  const [root, ...rest] = segments;
  if (root === 'api') {
    if (rest.length === 0) return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] };
    return rest.length === 1 ? resourceList(kinds, '', rest[0]) : null;
  }
  if (root !== 'apis') return null;
  const [group, version, ...more] = rest;
  if (group === undefined) {
    const names = new Set(kinds.groupVersions.map((each) => each.group).filter((each) => each !== ''));
    return { kind: 'APIGroupList', apiVersion: 'v1', groups: [...names].map((name) => groupDocument(kinds, name)) };
  }
  if (version === undefined) {
    const document = groupDocument(kinds, group);
    return document === null ? null : { kind: 'APIGroup', apiVersion: 'v1', ...document };
  }
  return more.length === 0 ? resourceList(kinds, group, version) : null;
}

function groupDocument(kinds: KindRegistry, group: string): Record<string, unknown> | null {
  const versions = kinds.groupVersions
    .filter((each) => each.group === group && group !== '')
    .map(({ version }) => ({ groupVersion: `${group}/${version}`, version }));
  return versions.length === 0 ? null : { name: group, versions, preferredVersion: versions[0] };
}

function resourceList(kinds: KindRegistry, group: string, version: string | undefined) {
  const found = kinds.groupVersions.find((each) => each.group === group && each.version === version);
  if (found === undefined) return null;
  const resources = found.kinds.flatMap((kind) => [resource(kind), statusResource(kind)]);
  return { kind: 'APIResourceList', apiVersion: 'v1', groupVersion: groupVersionText(found), resources };
}

function resource(kind: Kind): Record<string, unknown> {
  return {
    name: kind.plural,
    singularName: kind.singular,
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: VERBS,
    shortNames: kind.shortNames,
    categories: kind.namespaced ? ['all'] : [],
  };
}

function statusResource(kind: Kind): Record<string, unknown> {
  return {
    name: `${kind.plural}/status`,
    singularName: '',
    namespaced: kind.namespaced,
    kind: kind.kind,
    verbs: ['get', 'patch', 'update'],
  };
}

function groupVersionText({ group, version }: GroupVersion): string {
  return group === '' ? version : `${group}/${version}`;
}
