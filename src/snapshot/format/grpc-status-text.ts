/** gRPC's status codes in the two spellings that Envoy's `%GRPC_STATUS%` has. */

const CAMEL = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists'],
  ...['PermissionDenied', 'ResourceExhausted', 'FailedPrecondition', 'Aborted', 'OutOfRange', 'Unimplemented'],
  ...['Internal', 'Unavailable', 'DataLoss', 'Unauthenticated'],
];

/** `status` from 0 on; a code that gRPC does not know stays a number. */
export function grpcStatusText(status: number, style: 'CAMEL_STRING' | 'SNAKE_STRING'): string {
  const name = CAMEL[status];
  if (name === undefined) return String(status);
  if (style === 'CAMEL_STRING' || name === 'OK') return name;
  return name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
}
