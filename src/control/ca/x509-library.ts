/** Loads the X.509 library when the first certificate is made: its import takes 110 ms, which no other command should pay. */
import type * as x509 from '@peculiar/x509';

export type X509Library = typeof x509;

let loading: Promise<X509Library> | null = null;

export function loadX509(): Promise<X509Library> {
  loading ??= importLibrary();
  return loading;
}

async function importLibrary(): Promise<X509Library> {
  // The library decorates its classes and expects the metadata API to be there before it loads.
  await import('reflect-metadata');
  const library = await import('@peculiar/x509');
  library.cryptoProvider.set(globalThis.crypto);
  return library;
}
