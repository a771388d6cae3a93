/**
 * Connections with a known behaviour, in a process of their own: `traffic.ts JSON`, the JSON a list of
 * `[KIND, ARGUMENT…]`. Says `ready` once all connections and listening ports are there, and goes on
 * until it is ended.
 */

const TASKS: readonly (readonly [kind: string, ...args: string[]])[] = JSON.parse(Deno.args[0]);
const CHUNK = new Uint8Array(64 * 1024);

/** A request's and a reply's payload. */
const MESSAGE = new Uint8Array(100);

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

function address(text: string): Deno.ConnectOptions {
  const match = /^\[?(.*?)\]?:(\d+)$/.exec(text);
  if (match === null) throw new TypeError(`${text} is no address`);
  return { hostname: match[1], port: Number(match[2]) };
}

async function connectAll(to: string, count: number): Promise<Deno.TcpConn[]> {
  const connections = await Promise.all(
    Array.from({ length: count }, () => Deno.connect(address(to))),
  );
  for (const connection of connections) connection.setNoDelay(true);
  return connections;
}

async function drain(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(64 * 1024);
  try {
    while (await connection.read(buffer) !== null);
  } catch {
    // The other side is gone.
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
}

/** What each kind does with its arguments, as text; resolves once it is ready. */
const KINDS: Record<string, (...args: string[]) => Promise<void> | void> = {
  /** PORT: accepts and reads everything, answers nothing. */
  sink(port): void {
    const listener = Deno.listen({ hostname: "::", port: Number(port) });
    (async () => {
      for await (const connection of listener) drain(connection);
    })();
  },

  /** PORT MS: answers each request after so long. */
  reply(port, thinkMs): void {
    const listener = Deno.listen({ hostname: "::", port: Number(port) });
    const serve = async (connection: Deno.TcpConn) => {
      connection.setNoDelay(true);
      const buffer = new Uint8Array(4096);
      while (await connection.read(buffer) !== null) {
        if (Number(thinkMs) > 0) await sleep(Number(thinkMs));
        await writeAll(connection, MESSAGE);
      }
    };
    (async () => {
      for await (const connection of listener) serve(connection).catch(() => {});
    })();
  },

  /** PORT: accepts, and never reads. */
  deaf(port): void {
    const listener = Deno.listen({ hostname: "::", port: Number(port) });
    const kept: Deno.Conn[] = [];
    (async () => {
      for await (const connection of listener) kept.push(connection);
    })();
  },

  /** PORT BACKLOG: listens, and never accepts. */
  asleep(port, backlog): void {
    const listener = Deno.listen({
      hostname: "0.0.0.0",
      port: Number(port),
      tcpBacklog: Number(backlog),
    } as Deno.TcpListenOptions);
    listener.ref();
    setInterval(() => {}, 60_000);
  },

  /** ADDRESS COUNT BYTES MS: each connection sends so much every so often. */
  async bulk(to, count, bytes, everyMs): Promise<void> {
    const size = Number(bytes);
    const connections = await connectAll(to, Number(count));
    for (const [i, connection] of connections.entries()) {
      (async () => {
        await sleep(i * Number(everyMs) / connections.length);
        for (;;) {
          for (let sent = 0; sent < size; sent += CHUNK.length) {
            await writeAll(connection, CHUNK.subarray(0, Math.min(CHUNK.length, size - sent)));
          }
          await sleep(Number(everyMs));
        }
      })().catch(() => {});
    }
  },

  /** ADDRESS COUNT MS: each connection asks, waits for the reply, pauses, and asks again. */
  async ask(to, count, pauseMs): Promise<void> {
    for (const connection of await connectAll(to, Number(count))) {
      (async () => {
        const buffer = new Uint8Array(4096);
        for (;;) {
          await writeAll(connection, MESSAGE);
          if (await connection.read(buffer) === null) return;
          await sleep(Number(pauseMs));
        }
      })().catch(() => {});
    }
  },

  /** ADDRESS COUNT: connects, and no more. */
  async silent(to, count): Promise<void> {
    await connectAll(to, Number(count));
    setInterval(() => {}, 60_000);
  },

  /** ADDRESS MS: begins another connect every so often, however the others end. */
  insist(to, everyMs): void {
    setInterval(() => Deno.connect(address(to)).catch(() => {}), Number(everyMs));
  },

  /** ADDRESS COUNT: connects without waiting for an answer. */
  attempt(to, count): void {
    for (let i = 0; i < Number(count); i++) Deno.connect(address(to)).catch(() => {});
    setInterval(() => {}, 60_000);
  },
};

await Promise.all(TASKS.map(([kind, ...args]) => KINDS[kind](...args.map(String))));
console.log("ready");
