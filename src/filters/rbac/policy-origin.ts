/** Where a policy of RBAC was written, if Weft's control plane wrote it: there its name is that of the object and its rule. */

/** `shop/catalog/readers` → `AuthorizationPolicy/shop/catalog readers`; empty for a name of another form. */
export function originOfPolicy(name: string): string {
  const [namespace = '', object = '', rule = '', ...more] = name.split('/');
  if (namespace === '' || object === '' || rule === '' || more.length > 0) return '';
  const path = /^\d+$/.test(rule) ? `spec.rules[${rule}]` : rule;
  return `AuthorizationPolicy/${namespace}/${object} ${path}`;
}
