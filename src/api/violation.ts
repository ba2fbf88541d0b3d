/**
 * One way in which a document breaks a rule. Validation returns all of them, never the first, each with the field path,
 * and with file, line and column where there was a file.
 */
import type { Resource } from './resource.ts';

export interface Violation {
  readonly kind: string;
  readonly namespace: string;
  /** Empty when the document has no name. */
  readonly name: string;
  /** `spec.rules[0].matches[1].path.type`; empty for the document as a whole. */
  readonly path: string;
  /** A clause that reads after the path: `must be one of "Exact", "PathPrefix"`. */
  readonly message: string;
  /** What to write instead. Empty when nothing helps. */
  readonly hint: string;
  /** null when there was no text, as in the API server. */
  readonly place: Place | null;
}

export interface Place {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

export type FieldPath = readonly (string | number)[];

export type ReportViolation = (path: FieldPath, message: string, hint?: string) => void;

/** `spec.rules[0].name`; a key that is no plain word is quoted: `metadata.labels["app.kubernetes.io/name"]`. */
export function pathText(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][A-Za-z0-9_-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** The steps of what `pathText` wrote. Text of another form is one step a word. */
export function parsePath(text: string): FieldPath {
  const steps: (string | number)[] = [];
  for (const [, word, index, quoted] of text.matchAll(/([^.[\]"]+)(?![^[]*\])|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\]/g)) {
    if (index !== undefined) steps.push(Number(index));
    else if (quoted !== undefined) steps.push(String(JSON.parse(quoted)));
    else if (word !== undefined) steps.push(word);
  }
  return steps;
}

export function violationOf(resource: Partial<Resource>, path: FieldPath, message: string, hint = ''): Violation {
  const meta: Partial<Record<string, unknown>> = { ...(resource.metadata as object | undefined) };
  return {
    kind: textOr(resource.kind),
    namespace: textOr(meta['namespace']),
    name: textOr(meta['name']),
    path: pathText(path),
    message,
    hint,
    place: null,
  };
}

/** `shop.yaml:12:9: HTTPRoute shop/catalog: spec.rules[0].path: is required. Hint`. */
export function violationText(violation: Violation): string {
  const { place, namespace, name, path, hint } = violation;
  const object = [violation.kind, namespace === '' ? name : `${namespace}/${name}`]
    .filter((part) => part !== '')
    .join(' ');
  const parts = [place === null ? '' : `${place.file}:${place.line}:${place.column}`, object, path, violation.message];
  return parts.filter((part) => part !== '').join(': ') + (hint === '' ? '' : `. ${hint}`);
}

function textOr(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
