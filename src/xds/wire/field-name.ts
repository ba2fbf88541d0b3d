/** Names of fields as the .proto spells them. Tables carry the camelCase of code; going back loses one thing: digits. */

/** Where an underscore stands before a digit. */
const BEFORE_DIGITS: ReadonlyMap<string, string> = new Map([
  ['acceptHttp10', 'accept_http_10'],
  ['consecutive5xx', 'consecutive_5xx'],
  ['defaultHostForHttp10', 'default_host_for_http_10'],
  ['enforcingConsecutive5xx', 'enforcing_consecutive_5xx'],
]);

export function protoName(camel: string): string {
  return BEFORE_DIGITS.get(camel) ?? camel.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
