// A gRPC server that takes identity, callers and policies over xDS: no sidecar stands before it.
//   weft run --service greeter --port 50051:grpc --proxy none -- node examples/grpc/greeter.mjs 50051
import { ServerCredentials } from '@grpc/grpc-js';
import { register, XdsServer, XdsServerCredentials } from '@grpc/grpc-js-xds';
import { METHODS } from './greeting.mjs';

register();
const [port = '50051'] = process.argv.slice(2);
const server = new XdsServer();
server.addService(METHODS, {
  greet(call, answer) {
    const caller = call.getAuthContext()?.sslPeerCertificate?.subjectaltname ?? 'nobody known';
    answer(null, Buffer.from(`Hello ${call.request}, you are ${caller}`));
  },
});
// In clear text only where the mesh says so.
const credentials = new XdsServerCredentials(ServerCredentials.createInsecure());
server.bindAsync(`0.0.0.0:${port}`, credentials, (error) => {
  if (error) throw error;
});
process.once('SIGTERM', () => server.tryShutdown(() => process.exit(0)));
