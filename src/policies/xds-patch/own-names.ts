/** Which names of xDS resources Weft keeps for what it generates. */

/** Those of generated resources hold a `|` (`http|80|catalog.shop`) or are one of a few words. */
export function isOwnName(name: string): boolean {
  return name.includes('|') || OWN.has(name) || name.startsWith('passthrough-');
}

const OWN: ReadonlySet<string> = new Set(['outbound', 'inbound', 'invalid-backend', 'trust-bundle', 'default']);
