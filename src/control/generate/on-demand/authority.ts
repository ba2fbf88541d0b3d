/** Which port of which Service an authority means, as a caller writes it: the names of `domainsOf`, read backwards. */
import { HTTP_PORT, type ServicePortKey } from '../names.ts';

/** In order of length: the longest that fits is taken off. */
const SUFFIXES = ['.svc.cluster.local', '.svc'] as const;
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/**
 * Authorities that no Service can have, as two expressions of RE2: those of which the first fits the whole and the second
 * does not. Of others only the control plane knows whether they are of the mesh.
 */
export const OUTSIDE = {
  fits: String.raw`\[[^\]]*\](:\d+)?|[^.:]+\.[^.:]+\..*`,
  fitsNot: String.raw`[^.:]+\.[^.:]+\.[sS][vV][cC](\.[cC][lL][uU][sS][tT][eE][rR]\.[lL][oO][cC][aA][lL])?(:\d+)?`,
};

/** null: a name that no Service can have. Whether there is one is another question. */
export function portNamed(authority: string, caller: string): ServicePortKey | null {
  const [, name = '', portText = ''] = /^([^:]+)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  const suffix = SUFFIXES.find((each) => name.endsWith(each)) ?? '';
  const short = name.slice(0, name.length - suffix.length);
  // What is no full name without it may be of a namespace that is called so.
  const labels = (short.includes('.') ? short : name).split('.');
  const [service = '', namespace = caller] = labels;
  if (labels.length > 2) return null;
  if (!LABEL.test(service) || !LABEL.test(namespace)) return null;
  return { namespace, service, port: portText === '' ? HTTP_PORT : Number(portText) };
}
