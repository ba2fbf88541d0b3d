/** Host names by the system's resolver, so that /etc/hosts and search domains mean what they mean to every program. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { messageOf, WeftError } from '../../core/errors.ts';
import type { ResolvedAddress } from '../../core/runtime.ts';

/** A bound on what a resolver may hand us. */
const MAX_ADDRESSES = 256;

export async function resolveName(name: string): Promise<readonly ResolvedAddress[]> {
  const family = isIP(name);
  if (family !== 0) return [{ host: name, family: family === 6 ? 6 : 4 }];
  try {
    const found = await lookup(name, { all: true, order: 'verbatim' });
    const addresses = found.slice(0, MAX_ADDRESSES);
    return addresses.map(({ address, family }) => ({ host: address, family: family === 6 ? 6 : 4 }));
  } catch (error) {
    throw new WeftError('name-not-found', {
      what: `Cannot resolve the name: ${messageOf(error)}`,
      where: name,
      cause: error,
    });
  }
}
