/** Why the server ends a stream, or lets none begin, each with the gRPC status that the client sees. */
export const STREAM_ENDINGS = {
  'unknown-method': 12, // UNIMPLEMENTED
  'no-certificate': 16, // UNAUTHENTICATED
  'certificate-expired': 16,
  'wrong-identity': 7, // PERMISSION_DENIED
  malformed: 3, // INVALID_ARGUMENT
  'message-too-large': 8, // RESOURCE_EXHAUSTED
  'too-many-names': 8,
  'too-many-streams': 8,
  'too-many-streams-of-proxy': 8,
  'no-first-message': 4, // DEADLINE_EXCEEDED
  'does-not-read': 4,
  superseded: 10, // ABORTED
  'no-view': 13, // INTERNAL
  internal: 13,
  'shutting-down': 14, // UNAVAILABLE
} as const;

export type StreamEnding = keyof typeof STREAM_ENDINGS;
