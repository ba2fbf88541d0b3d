/** Names and labels on the command line of `weft run`. The control plane checks them again; here the flag can be named. */
import { UsageError } from '../exit-codes.ts';

/** RFC 1035 label (a Service's name). */
const SERVICE = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;
/** RFC 1123 label: workloads, accounts, namespaces. */
const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;
const LABEL_KEY = /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

const NAME_HINT =
  'Lower-case letters, digits and "-", at most 63 characters, beginning and ending with a letter or digit';

export function serviceName(flag: string, text: string): string {
  if (!SERVICE.test(text))
    throw new UsageError(`${flag} ${text} is no name for a service`, `${NAME_HINT}; a letter first`);
  return text;
}

export function labelName(flag: string, text: string): string {
  if (!LABEL.test(text)) throw new UsageError(`${flag} ${text} is not a name`, NAME_HINT);
  return text;
}

export function versionName(text: string): string {
  if (text === '' || !LABEL_VALUE.test(text)) {
    throw new UsageError(`--version ${text} is no version`, 'Letters, digits, "-", "_" and ".", at most 63 characters');
  }
  return text;
}

export function parseLabels(texts: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf('=');
    const [key, value] = [text.slice(0, at), text.slice(at + 1)];
    if (at < 1 || !LABEL_KEY.test(key) || !LABEL_VALUE.test(value)) {
      throw new UsageError(`--label ${text} is not KEY=VALUE`, 'For example: --label team=checkout');
    }
    if (key === 'app' || key === 'version') {
      throw new UsageError(`--label ${text}: Weft sets "${key}" itself`, 'Use --service and --version');
    }
    labels[key] = value;
  }
  return labels;
}

/** `catalog,shop/stock`, repeatable; an empty text is none; null when the flag was not given. */
export function parseUses(texts: readonly string[] | undefined): string[] | null {
  if (texts === undefined) return null;
  const names = texts
    .flatMap((text) => text.split(','))
    .map((name) => name.trim())
    .filter((name) => name !== '');
  for (const name of names) {
    const [service = '', namespace] = name.split('/').toReversed();
    const valid = SERVICE.test(service) && (namespace === undefined || LABEL.test(namespace));
    if (!valid || name.split('/').length > 2) {
      throw new UsageError(`--uses ${name} names no service`, 'For example: --uses catalog,shop/stock');
    }
  }
  return [...new Set(names)];
}
