/** Asks the filters of a connection, in order; the first that refuses it decides, and what the others say is kept for the log. */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { Admission, ConnectionFilter } from '../../http/filter.ts';

const ADMITTED: Admission = { allowed: true, detail: '' };

export function admit(filters: readonly ConnectionFilter[], connection: ConnectionInfo): Admission {
  let said = ADMITTED;
  for (const filter of filters) {
    const found = filter.admit(connection);
    if (found === null) continue;
    const detail = said.detail === '' ? found.detail : `${found.detail}; ${said.detail}`;
    said = { allowed: found.allowed, detail };
    if (!found.allowed) break;
  }
  return said;
}

/** Of an open connection, under rules that came later. null: it may go on; else why not. */
export function whyNoLonger(filters: readonly ConnectionFilter[], connection: ConnectionInfo): string | null {
  for (const filter of filters) {
    const found = filter.readmit(connection);
    if (found !== null && !found.allowed) return found.detail;
  }
  return null;
}
