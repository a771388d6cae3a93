/**
 * Peers of an HTTP server that hold connections: `dawdle.ts PORT COUNT [ADDRESS]`. A quarter each sends
 * nothing, one byte, its head byte by byte, and a whole request whose response is never read. Each is
 * made anew when the server ends it. Prints a line when all are connected.
 */

const [port, count, hostname = "127.0.0.1"] = Deno.args;
const BYTE_MS = 200;
const ANEW_MS = 50;
const HEAD = "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\n";

const WAYS = [
  () => Promise.resolve(),
  (connection: Deno.Conn) => send(connection, "G"),
  async (connection: Deno.Conn) => {
    for (const letter of HEAD) {
      await send(connection, letter);
      await pause(BYTE_MS);
    }
  },
  (connection: Deno.Conn) => send(connection, `${HEAD}\r\n`),
];

async function send(connection: Deno.Conn, text: string): Promise<void> {
  await connection.write(new TextEncoder().encode(text));
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** One connection after the other; `connected` is called once the first is there. */
async function dawdle(way: number, connected: () => void): Promise<void> {
  for (;;) {
    try {
      const connection = await Deno.connect({ hostname, port: Number(port) });
      connected();
      try {
        await WAYS[way](connection);
        // The reader of responses reads nothing; the others see when they are ended.
        if (way === 3) await pause(10_000);
        else await connection.read(new Uint8Array(1024));
      } finally {
        connection.close();
      }
    } catch {
      // Ended by the server, as it may.
    }
    await pause(ANEW_MS);
  }
}

let there = 0;
for (let i = 0; i < Number(count); i++) {
  dawdle(i % WAYS.length, () => {
    if (++there === Number(count)) console.log("connected");
  });
}
