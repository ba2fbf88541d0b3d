/** Whether a port of 127.0.0.1 can be had, found out by having it for a moment. */
import { type AddressInfo, createServer } from 'node:net';

/** `wanted`, or any free port when it is 0 or taken. */
export async function freePort(wanted: number): Promise<number> {
  return (await bind(wanted)) ?? (await bind(0)) ?? wanted;
}

/** null: it is taken, or may not be had. */
export function bind(port: number, host = '127.0.0.1'): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen({ port, host, exclusive: true }, () => {
      const bound = (server.address() as AddressInfo).port; // a TCP server has an AddressInfo
      server.close(() => resolve(bound));
    });
  });
}
