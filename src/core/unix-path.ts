/** An Address may be a Unix socket, for what programs on one machine say to each other: its host is then a path. */
import type { Address } from './runtime.ts';

/** `sun_path` of macOS, with its terminating zero; Linux takes 4 more. */
export const MAX_UNIX_PATH_BYTES = 103;

export function unixAddress(path: string): Address {
  return { host: path, port: 0 };
}

export function isUnixPath(host: string): boolean {
  return host.startsWith('/');
}
