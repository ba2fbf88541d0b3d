/** What a proxy holds by what it acknowledged: all that is known of a gRPC client, and of a proxy on another machine. */
import type { HeldResource } from './held-resource.ts';
import type { Offered } from './offered.ts';
import { readBytes } from './sections.ts';

/** The control plane keeps no old contents: of an older version only the version is known. */
export function heldByAcknowledgement({ resources }: Offered): HeldResource[] {
  return resources.flatMap(({ section, name, version, acknowledged, refused, bytes }) => {
    if (acknowledged === null && refused === null) return [];
    const isCurrent = acknowledged !== null && acknowledged === version;
    const read =
      isCurrent && bytes !== null
        ? readBytes(section, bytes)
        : { message: null, problem: isCurrent ? '' : 'an older version, whose content is not kept' };
    const state = refused === null ? 'active' : 'refused';
    return [{ section, name, version: acknowledged ?? '', state, ...read, isLocal: false }];
  });
}
