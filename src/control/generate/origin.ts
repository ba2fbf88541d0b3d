/**
 * Origins as they travel inside a generated resource: metadata that every data plane keeps and none interprets, so that
 * a config dump leads back to the object that caused it.
 */
import type { JsonObject } from '@bufbuild/protobuf';
import type { Origin } from '../../api/resource.ts';

const METADATA_KEY = 'weft.mesh';

/** `HTTPRoute/shop/catalog-canary spec.rules[0]`, without the file: moving a file must not change what proxies run. */
export function originText(origin: Origin): string {
  const object = `${origin.kind}/${origin.namespace}/${origin.name}`;
  return origin.path === '' ? object : `${object} ${origin.path}`;
}

/** `metadata` of an Envoy message. */
export function metadata(fields: Readonly<Record<string, string>>): { filterMetadata: { [key: string]: JsonObject } } {
  return { filterMetadata: { [METADATA_KEY]: { ...fields } } };
}
