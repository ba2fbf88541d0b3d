/**
 * The rules for names, as Kubernetes has them, so that a file that is valid here is valid there. Each rule says itself
 * in words, because a violation must teach it.
 */

export interface TextRule {
  readonly pattern: RegExp;
  readonly maxLength: number;
  /** Completes "must be …". */
  readonly words: string;
}

export type NameRule = keyof typeof NAME_RULES;

export const NAME_RULES = {
  /** RFC 1123 label. */
  label: {
    pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/,
    maxLength: 63,
    words:
      'lower-case letters, digits and "-", beginning and ending with a letter or digit, at most 63 characters (RFC 1123 label)',
  },
  /** RFC 1035 label: Services, because their name becomes a DNS label and an environment variable. */
  'label-1035': {
    pattern: /^[a-z]([-a-z0-9]*[a-z0-9])?$/,
    maxLength: 63,
    words:
      'lower-case letters, digits and "-", beginning with a letter, ending with a letter or digit, at most 63 characters (RFC 1035 label)',
  },
  /** RFC 1123 subdomain. */
  subdomain: {
    pattern: /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/,
    maxLength: 253,
    words:
      'lower-case letters, digits, "-" and ".", beginning and ending with a letter or digit, at most 253 characters (RFC 1123 subdomain)',
  },
} as const satisfies Record<string, TextRule>;

/** A port name: RFC 6335 section 5.1, in lower case. */
export const PORT_NAME: TextRule = {
  pattern: /^(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*$/,
  maxLength: 15,
  words: 'lower-case letters, digits and single "-" with at least one letter, at most 15 characters (RFC 6335)',
};

export const LABEL_VALUE: TextRule = {
  pattern: /^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/,
  maxLength: 63,
  words:
    'empty, or letters, digits, "-", "_" and ".", beginning and ending with a letter or digit, at most 63 characters',
};

/** The part of a label or annotation key after the optional `prefix/`. */
const KEY_NAME: TextRule = {
  pattern: /^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/,
  maxLength: 63,
  words: 'letters, digits, "-", "_" and ".", with an optional DNS prefix and "/" before them',
};

export const QUALIFIED_KEY_WORDS = KEY_NAME.words;

export function obeys(rule: TextRule, text: string): boolean {
  // Length first: the patterns backtrack little, but nothing unbounded reaches them.
  return text.length <= rule.maxLength && rule.pattern.test(text);
}

/** A label or annotation key: `name` or `prefix/name`. */
export function isQualifiedKey(key: string): boolean {
  const slash = key.indexOf('/');
  if (slash === -1) return obeys(KEY_NAME, key);
  return obeys(NAME_RULES.subdomain, key.slice(0, slash)) && obeys(KEY_NAME, key.slice(slash + 1));
}
