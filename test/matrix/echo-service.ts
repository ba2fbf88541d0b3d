/** The gRPC service of the matrix: messages are bytes. */
import type { ServiceDefinition } from '@grpc/grpc-js';

const bytes = {
  requestSerialize: (message: Buffer) => message,
  requestDeserialize: (message: Buffer) => message,
  responseSerialize: (message: Buffer) => message,
  responseDeserialize: (message: Buffer) => message,
};

export const ECHO = {
  unary: { path: '/weft.Echo/Unary', requestStream: false, responseStream: false, ...bytes },
  chat: { path: '/weft.Echo/Chat', requestStream: true, responseStream: true, ...bytes },
} satisfies ServiceDefinition;
