/**
 * Where a part of a proxy's configuration was written: metadata that travels inside of it names the object, the control
 * plane knows the file and line of that.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import type { Origin } from '../../api/resource.ts';
import { originText } from '../mesh/mesh-status.ts';
import type { HeldResource } from './held-resource.ts';
import type { Offered } from './offered.ts';

interface WithMetadata {
  readonly metadata?: { readonly filterMetadata: { readonly [key: string]: JsonObject } } | undefined;
}

export class Origins {
  readonly #files = new Map<string, string>();
  readonly #offered = new Map<string, { readonly version: string | null; readonly origins: readonly Origin[] }>();

  constructor({ resources }: Offered) {
    for (const { section, name, version, origins } of resources) {
      this.#offered.set(`${section} ${name}`, { version, origins });
      for (const origin of origins) if (origin.file !== '') this.#files.set(objectOf(origin), origin.file);
    }
  }

  /** Of a whole resource: all that the control plane knows while it is the same version, else what it carries itself. */
  ofResource({ section, name, version, message, isLocal }: HeldResource): Origin[] {
    const offered = isLocal ? undefined : this.#offered.get(`${section} ${name}`);
    if (offered !== undefined && (offered.version === version || version === '')) return [...offered.origins];
    return this.ofPart((message ?? {}) as WithMetadata);
  }

  /** Of a route, a virtual host, a resource: what its metadata names. */
  ofPart({ metadata }: WithMetadata): Origin[] {
    const written = metadata?.filterMetadata['weft.mesh']?.['origin'];
    return typeof written === 'string' && written !== '' ? written.split(', ').map((text) => this.#read(text)) : [];
  }

  /** `HTTPRoute/shop/canary spec.rules[0]`, as generation writes it. */
  #read(text: string): Origin {
    const space = text.indexOf(' ');
    const [object, path] = space === -1 ? [text, ''] : [text.slice(0, space), text.slice(space + 1)];
    const [kind = '', namespace = '', name = ''] = object.split('/');
    const origin = { kind, namespace, name, path, file: '' };
    return { ...origin, file: this.#files.get(objectOf(origin)) ?? '' };
  }
}

/** For one cell of a table: an object once, with its path when only one field of it took part. */
export function originCell(origins: readonly Origin[]): string {
  const byObject = Map.groupBy(origins, objectOf);
  const cells = [...byObject.values()].flatMap(([first, ...more]) =>
    first === undefined ? [] : [originText(more.length === 0 ? first : { ...first, path: '' })],
  );
  return cells.join(', ');
}

function objectOf({ kind, namespace, name }: Origin): string {
  return `${kind}/${namespace}/${name}`;
}
