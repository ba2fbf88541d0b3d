// A gRPC client that balances, retries and proves who it is by itself, as the mesh tells it over xDS.
//   weft run --service caller --proxy none -- node examples/grpc/caller.mjs xds:///greeter
import { credentials, makeGenericClientConstructor } from '@grpc/grpc-js';
import { register, XdsChannelCredentials } from '@grpc/grpc-js-xds';
import { METHODS } from './greeting.mjs';

register();
const [target = 'xds:///greeter'] = process.argv.slice(2);
const Greeter = makeGenericClientConstructor(METHODS, 'Greeter');
const client = new Greeter(target, new XdsChannelCredentials(credentials.createInsecure()));
client.greet(Buffer.from('world'), { deadline: Date.now() + 20_000 }, (error, answer) => {
  console.log(error?.message ?? String(answer));
  process.exit(error ? 1 : 0);
});
