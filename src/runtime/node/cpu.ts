/** CPU that the thread of the event loop has used: what it waited for the core is not in it. */

export function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
