/** `labelSelector` and `fieldSelector` of a list, watch or deletion, in the grammar of Kubernetes. */
import { isQualifiedKey, LABEL_VALUE, obeys } from '../../api/names.ts';
import type { Resource } from '../../api/resource.ts';
import { WeftError } from '../../core/errors.ts';

export type Matches = (resource: Resource) => boolean;

const MAX_CHARACTERS = 4096;
type Labels = Readonly<Record<string, string>>;

/** Throws `invalid` with the part that cannot be read. */
export function readSelectors(query: URLSearchParams): Matches {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const fields = parseFieldSelector(query.get('fieldSelector') ?? '');
  return (resource) => labels(resource.metadata.labels ?? {}) && fields(resource);
}

function parseLabelSelector(text: string): (labels: Labels) => boolean {
  const requirements = split(text, 'labelSelector').map(requirement);
  return (labels) => requirements.every((matches) => matches(labels));
}

/** `k=v`, `k==v`, `k!=v`, `k in (a,b)`, `k notin (a,b)`, `k`, `!k`. */
function requirement(text: string): (labels: Labels) => boolean {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, name = '', operator, list = ''] = set;
    const values = list.split(',').map((value) => value.trim());
    check(text, name, values);
    return (labels) => (operator === 'in') === values.includes(labelOf(labels, name) ?? '\0');
  }
  const equality = /^([^=!\s]+)\s*(=|==|!=)\s*([^=!\s]*)$/.exec(text);
  if (equality !== null) {
    const [, name = '', operator, value = ''] = equality;
    check(text, name, [value]);
    return (labels) => (operator !== '!=') === (labelOf(labels, name) === value);
  }
  const [, negated, name = ''] = /^(!?)\s*(\S+)$/.exec(text) ?? [];
  check(text, name, []);
  return (labels) => (negated === '!') === (labelOf(labels, name) === undefined);
}

function parseFieldSelector(text: string): Matches {
  const requirements = split(text, 'fieldSelector').map((part): Matches => {
    const [, field, operator, value] = /^(metadata\.name|metadata\.namespace)(=|==|!=)([^=!]*)$/.exec(part) ?? [];
    if (field === undefined) {
      throw new WeftError('invalid', {
        what: 'a field selector knows metadata.name and metadata.namespace',
        where: part,
      });
    }
    return ({ metadata }) =>
      (operator !== '!=') === ((field === 'metadata.name' ? metadata.name : (metadata.namespace ?? '')) === value);
  });
  return (resource) => requirements.every((matches) => matches(resource));
}

/** At commas that are not inside parentheses. */
function split(text: string, parameter: string): string[] {
  if (text.length > MAX_CHARACTERS) {
    throw new WeftError('invalid', { what: `a selector has at most ${MAX_CHARACTERS} characters`, where: parameter });
  }
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function labelOf(labels: Labels, name: string): string | undefined {
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}

function check(text: string, name: string, values: readonly string[]): void {
  if (isQualifiedKey(name) && values.every((value) => obeys(LABEL_VALUE, value))) return;
  throw new WeftError('invalid', { what: 'the label selector cannot be read', where: JSON.stringify(text) });
}
