/** A port on loopback that answers no SYN: its listener's queue is full, and nobody accepts. */

export interface BlackHole extends Disposable {
  readonly port: number;
}

/** The kernel's own count says that the queue is full: a connection that merely takes long proves nothing. */
export async function blackHole(): Promise<BlackHole> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const opened: Disposable[] = [listener];
  const { port } = listener.addr;
  // A queue is full when it holds one more than its limit.
  for (let i = 0; i < 2; i++) opened.push(await Deno.connect({ hostname: "127.0.0.1", port }));
  const queued = queuedAt(port);
  if (queued !== 2) throw new Error(`cannot make a black hole: ${queued} connections are queued`);
  return {
    port,
    [Symbol.dispose]: () => {
      for (const one of opened) one[Symbol.dispose]();
    },
  };
}

/** How many connections a listener on 127.0.0.1 has not accepted yet: its receive queue (proc(5), /proc/net/tcp). */
function queuedAt(port: number): number {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const listens = new RegExp(`^ *\\d+: ${local} \\S+ 0A [0-9A-F]+:([0-9A-F]+) `, "m");
  return parseInt(listens.exec(Deno.readTextFileSync("/proc/net/tcp"))?.[1] ?? "0", 16);
}
