/** What a proxy holds against what the control plane would send it now, resource by resource. Pure. */
import type { Message } from '@bufbuild/protobuf';
import { type Json, type FieldDifference, jsonDifference } from './json-difference.ts';
import type { Held } from './held.ts';
import type { HeldResource } from './held-resource.ts';
import type { Offered, OfferedResource } from './offered.ts';
import { messageJson, readBytes, SECTIONS, type Section } from './sections.ts';
import { sameAssignment } from './same-assignment.ts';

export interface Comparison {
  readonly section: Section;
  readonly name: string;
  readonly state: 'same' | 'changed' | 'missing' | 'extra';
  /** What the proxy has; null: nothing, empty: it does not say. */
  readonly version: string | null;
  /** null: nothing. */
  readonly offered: string | null;
  /** Of a changed one; none when the content of one side is not known. */
  readonly differences: readonly FieldDifference[];
  /** Why the proxy does not take what it is offered, or why its content is not known; empty otherwise. */
  readonly problem: string;
}

/** In order of sections and names. What a proxy does not ask for, such as routes that no listener names, is left out. */
export function compareAll(offered: Offered, held: Held): Comparison[] {
  return SECTIONS.flatMap((section) => {
    const theirs = byName(held.resources.filter((each) => each.section === section && !each.isLocal));
    const ours = new Map(offered.resources.filter((each) => each.section === section).map((each) => [each.name, each]));
    const names = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted();
    return names.flatMap((name) => {
      const found = compare(section, name, ours.get(name), theirs.get(name), offered.connected);
      return found === null ? [] : [found];
    });
  });
}

/** Envoy may have one name in several states: what serves counts, then what is about to. */
function byName(resources: readonly HeldResource[]): ReadonlyMap<string, HeldResource> {
  const rank = ({ state }: HeldResource): number => (state === 'warming' ? 1 : 0);
  const found = new Map<string, HeldResource>();
  for (const each of resources.toSorted((a, b) => rank(b) - rank(a))) {
    if (each.state !== 'draining') found.set(each.name, each);
  }
  return found;
}

function compare(
  section: Section,
  name: string,
  ours: OfferedResource | undefined,
  theirs: HeldResource | undefined,
  connected: boolean,
): Comparison | null {
  const version = theirs === undefined || isEmpty(theirs) ? null : theirs.version;
  const about = { section, name, version, offered: ours?.version ?? null, problem: theirs?.problem ?? '' };
  if (about.offered === null) return version === null ? null : { ...about, state: 'extra', differences: [] };
  if (version === null || theirs === undefined) {
    return isWanted(section, ours, connected) ? { ...about, state: 'missing', differences: [] } : null;
  }
  if (version === about.offered) return { ...about, state: 'same', differences: [] };
  const message = ours?.bytes ? readBytes(section, ours.bytes).message : null;
  if (theirs.message === null || message === null) return { ...about, state: 'changed', differences: [] };
  if (version === '' && sameAssignment(theirs.message, message)) return { ...about, state: 'same', differences: [] };
  const differences = jsonDifference(asJson(section, theirs.message), asJson(section, message));
  // Envoy's dump goes on with the old version of a listener whose filter chains it changed in place.
  const isVersionTold = version !== '' && section !== 'listeners';
  return { ...about, state: differences.length === 0 && !isVersionTold ? 'same' : 'changed', differences };
}

function isEmpty({ message, version }: HeldResource): boolean {
  return message === null && version === '';
}

/** One that is not connected has not asked for anything: listeners and clusters are what every proxy starts with. */
function isWanted(section: Section, ours: OfferedResource | undefined, connected: boolean): boolean {
  return connected ? ours?.wanted === true : section === 'listeners' || section === 'clusters';
}

function asJson(section: Section, message: Message): Json {
  return messageJson(section, message) as Json;
}
