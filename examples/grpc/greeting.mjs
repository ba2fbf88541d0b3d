// The service of both, without a .proto file: messages are bytes.
const pass = (bytes) => bytes;

export const METHODS = {
  greet: {
    path: '/example.Greeter/Greet',
    requestStream: false,
    responseStream: false,
    requestSerialize: pass,
    requestDeserialize: pass,
    responseSerialize: pass,
    responseDeserialize: pass,
  },
};
