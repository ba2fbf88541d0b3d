/** Which labels a selector matches, as Kubernetes defines it; pure, shared by the index, policies and the API's lists. */

/** Equality on every label of the selector. An empty one matches nothing, as a Service without a selector does. */
export function selects(
  selector: Readonly<Record<string, string>> | undefined,
  labels: Readonly<Record<string, string>> | undefined,
): boolean {
  if (selector === undefined || labels === undefined) return false;
  let any = false;
  for (const key in selector) {
    if (!Object.hasOwn(labels, key) || labels[key] !== selector[key]) return false;
    any = true;
  }
  return any;
}
