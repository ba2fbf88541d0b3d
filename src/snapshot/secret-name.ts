/** What TLS settings say of a secret: nothing, the secret itself, or its name and where it is asked for. */
import type { ResourceSource } from '../xds/client/resource-source.ts';
import type { Secret, SecretName } from './snapshot.ts';

/** Null: it is not asked for. */
export function secretSource(secret: Secret | SecretName | null): ResourceSource | null {
  return secret !== null && 'source' in secret ? secret.source : null;
}
